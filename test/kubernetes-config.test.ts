/** ConfigMaps and Secrets of a real API server as configuration: their trees equal the peers', and each fault mends itself. */
import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { readEntries } from "../src/config/documents.ts";
import { parseSourceAddress } from "../src/config/source-address.ts";
import type { MicrorunError } from "../src/errors.ts";
import { openCluster } from "../src/kubernetes/api/cluster.ts";
import { sharedCluster } from "../src/kubernetes/api/shared-cluster.ts";
import { configMapSource } from "../src/kubernetes/config/config-source.ts";
import type { ConfigKind } from "../src/kubernetes/config-address.ts";
import { configAddress } from "../src/kubernetes/config-address.ts";
import { configRules, rbacYaml } from "../src/kubernetes/permissions/rbac.ts";
import { silentLog } from "../src/log.ts";
import { type Follower, follow } from "./config-follower.ts";
import { type ControlPlane, controlPlane, ownControlPlane } from "./control-plane.ts";
import { folder, microrun, type Running, serve, targets } from "./harness.ts";
import { peer } from "./peers.ts";
import { tcpProxy } from "./tcp-proxy.ts";

const [plane, v2, kratos] = await Promise.all([controlPlane(), peer("v2"), peer("kratos")]);

/** How soon a change has to be seen once the API server knows it. */
const soonMs = 1000;
/** Longer than the longest wait between two attempts, and what a busy machine adds. */
const mendedMs = 45_000;

describe.skipIf(!plane)("a ConfigMap,", () => {
  const cluster = plane!;

  test("made, changed, emptied, deleted and made again, is seen each time within a second", async () => {
    const namespace = await cluster.namespace();
    await using config = open(cluster, `configmap://${namespace}/micro`);
    await config.until(() => config.trees.length === 1);
    expect(config.tree).toEqual({});
    expect(config.fault?.code).toBe("not_found");
    expect(config.fault?.message).toBe(`no ConfigMap micro in namespace ${namespace}`);
    expect(config.fault?.hint).toContain("kubectl create configmap micro");

    await put(cluster, namespace, { mongodb: "host=a" });
    await config.until(() => config.tree.mongodb?.host === "a", soonMs);
    expect(config.fault).toBeUndefined();
    await put(cluster, namespace, { mongodb: "host=b", redis: "url=c" });
    await config.until(() => config.tree.mongodb?.host === "b", soonMs);
    expect(config.tree).toEqual({ mongodb: { host: "b" }, redis: { url: "c" } });

    await put(cluster, namespace, undefined);
    await config.until(() => Object.keys(config.tree).length === 0, soonMs);
    expect(config.fault).toBeUndefined();

    await put(cluster, namespace, { mongodb: "host=d" });
    await config.until(() => config.tree.mongodb?.host === "d", soonMs);
    const trees = config.trees.length;
    await remove(cluster, namespace);
    await config.until(() => config.fault?.code === "not_found", soonMs);
    expect(config.fault?.message).toContain("any more");
    expect(config.trees.length).toBe(trees);

    await put(cluster, namespace, { mongodb: "host=e" });
    await config.until(() => config.tree.mongodb.host === "e", soonMs);
    expect(config.fault).toBeUndefined();
  });

  test("is no change where only its labels and annotations change", async () => {
    const namespace = await cluster.namespace();
    await put(cluster, namespace, { a: "b=c" });
    await using config = open(cluster, `configmap://${namespace}/micro`);
    await config.until(() => config.trees.length === 1);
    await cluster.kubectl(["annotate", "configmap", "micro", "x=y", `--namespace=${namespace}`]);
    await put(cluster, namespace, { a: "b=d" });
    await config.until(() => config.tree.a.b === "d", soonMs);
    expect(config.trees).toHaveLength(2);
  });

  test("whose document is broken keeps the last good tree, and the fault names key and line but no value", async () => {
    const namespace = await cluster.namespace();
    await put(cluster, namespace, { "config.yaml": "a: 1\n", other: "k=v" });
    await using config = open(cluster, `configmap://${namespace}/micro`);
    await config.until(() => config.tree?.a === 1);
    await put(cluster, namespace, { "config.yaml": "a: 2\nb: [hunter2\n", other: "k=w" });
    await config.until(() => config.fault !== undefined, soonMs);
    expect(config.fault).toMatchObject({ code: "invalid_argument" });
    expect(config.fault?.message).toMatch(/^config\.yaml.*line \d/);
    expect(config.fault?.message).not.toContain("hunter2");
    expect(config.tree).toEqual({ a: 1, other: { k: "v" } });
    await put(cluster, namespace, { "config.yaml": "a: 3\n", other: "k=w" });
    await config.until(() => config.tree.a === 3, soonMs);
    expect(config.tree).toEqual({ a: 3, other: { k: "w" } });
    expect(config.fault).toBeUndefined();
  });

  test("that is broken at start gives nothing until it is mended", async () => {
    const namespace = await cluster.namespace();
    await put(cluster, namespace, { "config.json": "{" });
    await using config = open(cluster, `configmap://${namespace}/micro`);
    await config.until(() => config.fault?.message.startsWith("config.json") === true);
    expect(config.trees).toEqual([]);
    await put(cluster, namespace, { "config.json": '{"a":1}' });
    await config.until(() => config.tree?.a === 1, soonMs);
    expect(config.fault).toBeUndefined();
  });

  test("is read though it is immutable", async () => {
    const namespace = await cluster.namespace();
    const object = { metadata: { name: "micro" }, data: { a: "b=c" }, immutable: true };
    await cluster.request("POST", `/api/v1/namespaces/${namespace}/configmaps`, object);
    await using config = open(cluster, `configmap://${namespace}/micro`);
    await config.until(() => config.trees.length === 1);
    expect(config.tree).toEqual({ a: { b: "c" } });
  });

  test("of one mebibyte is read, and its changes are", async () => {
    const namespace = await cluster.namespace();
    const lines = (last: string) =>
      `${Array.from({ length: 60_000 }, (_, n) => `k${n}=12345678`).join("\n")}\nlast=${last}`;
    expect(lines("a").length).toBeWithin(900_000, 1_048_576 - 100);
    await put(cluster, namespace, { big: lines("a") });
    await using config = open(cluster, `configmap://${namespace}/micro`);
    await config.until(() => config.tree?.big.last === "a");
    await put(cluster, namespace, { big: lines("b") });
    await config.until(() => config.tree.big.last === "b", 2 * soonMs);
    expect(config.tree.big.k59999).toBe("12345678");
  });

  test("of ten thousand keys is read, __proto__ and constructor among them", async () => {
    const namespace = await cluster.namespace();
    const data = `{${Array.from({ length: 10_000 }, (_, n) => `"k${n}":"v=${n}",`).join("")}"__proto__":"polluted=1","constructor":"a=b"}`;
    await cluster.request("POST", `/api/v1/namespaces/${namespace}/configmaps`, {
      metadata: { name: "micro" },
      data: JSON.parse(data),
    });
    await using config = open(cluster, `configmap://${namespace}/micro`);
    await config.until(() => config.trees.length === 1);
    const tree = config.trees[0]!;
    expect(Object.keys(tree)).toHaveLength(10_002);
    expect(Object.entries(tree)).toContainEqual(["__proto__", expect.objectContaining({ polluted: "1" })]);
    expect(Object.getPrototypeOf(tree)).toBeNull();
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  test("with binaryData: text is read as text, another file is left out, a document that is none is a broken one", async () => {
    const namespace = await cluster.namespace();
    const path = `/api/v1/namespaces/${namespace}/configmaps`;
    const base64 = (data: string | number[]) => Buffer.from(data as string).toString("base64");
    const binaryData = {
      "app.yaml": base64("a: 1"),
      lines: base64("k=v"),
      "logo.png": base64([0x89, 0x50, 0xff, 0xfe]),
    };
    await cluster.request("POST", path, { metadata: { name: "micro" }, data: { b: "c=d" }, binaryData });
    await using config = open(cluster, `configmap://${namespace}/micro`);
    await config.until(() => config.trees.length === 1);
    expect(config.tree).toEqual({
      a: 1,
      b: { c: "d" },
      lines: { k: "v" },
    });
    expect([config.fault, config.left]).toEqual([undefined, ["logo.png"]]);
    const utf16 = Buffer.from("\ufeffa: 2", "utf16le").toString("base64");
    await cluster.request("PUT", `${path}/micro`, {
      metadata: { name: "micro" },
      binaryData: { "app.yaml": utf16, lines: base64("k=w") },
    });
    await config.until(() => config.fault !== undefined, soonMs);
    expect(config.fault?.message).toBe("app.yaml: not a text in UTF-8");
    expect(config.tree).toEqual({ a: 1, b: { c: "d" }, lines: { k: "v" } });
  });

  test("changed a hundred times a second is told less often, and the last change is", async () => {
    const namespace = await cluster.namespace();
    await put(cluster, namespace, { n: "n=0" });
    await using config = open(cluster, `configmap://${namespace}/micro`);
    await config.until(() => config.trees.length === 1);
    const path = `/api/v1/namespaces/${namespace}/configmaps/micro`;
    const patch = "application/merge-patch+json";
    const end = 200;
    for (let n = 1; n <= end; n++) await cluster.request("PATCH", path, { data: { n: `n=${n}` } }, patch);
    await config.until(() => config.tree.n.n === String(end), soonMs);
    expect(config.trees.length).toBeLessThan(end);
    const seen = config.trees.map((tree) => Number((tree.n as { n: string }).n));
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });
});

describe.skipIf(!plane)("ConfigMaps that labels choose", () => {
  const cluster = plane!;

  test("are merged in order of their names, and one that leaves takes its values along, the last does not", async () => {
    const namespace = await cluster.namespace();
    const labels = { app: "user-srv" };
    await put(
      cluster,
      namespace,
      { "config.yaml": "a: {x: 1, y: 1}", DB_NAME: "ONE" },
      { name: "a", labels },
    );
    await put(cluster, namespace, { "config.yaml": "a: {y: 2}", DB_NAME: "TWO" }, { name: "b", labels });
    await put(cluster, namespace, { "config.yaml": "a: {y: 3}" }, { name: "c", labels: { app: "other" } });
    await using config = open(cluster, `configmap://${namespace}?labels=app=user-srv`);
    await config.until(() => config.trees.length === 1);
    expect(config.tree).toMatchObject({ a: { x: 1, y: 2 } });

    await put(cluster, namespace, { "config.yaml": "a: {y: 3}" }, { name: "c", labels });
    await config.until(() => config.tree.a.y === 3, soonMs);
    await put(cluster, namespace, { "config.yaml": "a: [" }, { name: "b", labels });
    await config.until(() => config.fault !== undefined, soonMs);
    expect(config.fault?.message).toStartWith("b: config.yaml");
    await remove(cluster, namespace, "b");
    await config.until(() => config.fault === undefined, soonMs);
    await remove(cluster, namespace, "a");
    await config.until(() => config.tree.a.x === undefined, soonMs);
    expect(config.tree).toEqual({ a: { y: 3 } });
    await remove(cluster, namespace, "c");
    await config.until(() => config.fault?.code === "not_found", soonMs);
    expect(config.fault?.message).toBe(
      `no ConfigMap with labels app=user-srv in namespace ${namespace} any more: the last values stay`,
    );
    expect(config.tree).toEqual({ a: { y: 3 } });
  });

  test("may be chosen by fields too", async () => {
    const namespace = await cluster.namespace();
    await put(cluster, namespace, { a: "b=c" });
    await put(cluster, namespace, { a: "b=d" }, { name: "other" });
    await using config = open(cluster, `configmap://${namespace}?fields=metadata.name=other`);
    await config.until(() => config.trees.length === 1);
    expect(config.tree).toEqual({ a: { b: "d" } });
  });

  test("none of them is told", async () => {
    const namespace = await cluster.namespace();
    await using config = open(cluster, `configmap://${namespace}?labels=app=none`);
    await config.until(() => config.trees.length === 1);
    expect(config.tree).toEqual({});
    expect(config.fault?.message).toBe(`no ConfigMap with labels app=none in namespace ${namespace}`);
  });

  test("a selector that cannot be one is told in the API server's words", async () => {
    const namespace = await cluster.namespace();
    await using config = open(cluster, `configmap://${namespace}?labels=a==b==c`);
    await config.until(() => config.fault !== undefined);
    expect(config.fault?.code).toBe("invalid_argument");
    expect(config.trees).toEqual([]);
  });
});

describe.skipIf(!plane)("a Secret", () => {
  const cluster = plane!;

  test("is decoded, its documents are read, and what is no text is left out, though it is required", async () => {
    const namespace = await cluster.namespace();
    const path = `/api/v1/namespaces/${namespace}/secrets`;
    const stringData = { password: "pa=ss\n", "db.yaml": "db: {user: bob}" };
    await cluster.request("POST", path, { metadata: { name: "micro" }, stringData });
    await using config = open(cluster, `secret://${namespace}/micro?required`);
    await config.until(() => config.trees.length === 1);
    expect(config.tree).toEqual({ password: "pa=ss\n", db: { user: "bob" } });
    const data = { password: Buffer.from("neu").toString("base64"), store: "//79/A==" };
    await cluster.request("PUT", `${path}/micro`, { metadata: { name: "micro" }, data });
    await config.until(() => config.tree.password === "neu", soonMs);
    expect(config.tree).toEqual({ password: "neu" });
    expect([config.fault, config.left]).toEqual([undefined, ["store"]]);
  });

  test("may be read as lines", async () => {
    const namespace = await cluster.namespace();
    await cluster.kubectl([
      "create",
      "secret",
      "generic",
      "micro",
      "--from-literal=db=user=bob",
      `--namespace=${namespace}`,
    ]);
    await using config = open(cluster, `secret://${namespace}/micro?format=lines`);
    await config.until(() => config.trees.length === 1);
    expect(config.tree).toEqual({ db: { user: "bob" } });
  });
});

describe.skipIf(!plane)("permission", () => {
  const cluster = plane!;

  test("that is missing is told with how to grant it, which suffices, and allows no other name", async () => {
    const [namespace, home] = [await cluster.namespace(), await cluster.namespace()];
    await put(cluster, namespace, { a: "b=c" });
    const { token } = await cluster.serviceAccount(home, "seller");
    const kubeconfig = cluster.kubeconfig({ token: token(), namespace: home });
    for (const kind of ["configmap", "secret"] as const) {
      const text = `${kind}://${namespace}/micro`;
      await using config = open(cluster, text, { kubeconfig });
      await config.until(() => config.trees.length === 1);
      expect(config.tree).toEqual({});
      expect(config.fault).toMatchObject({
        code: "permission_denied",
        message: `may not list ${kind}s in namespace ${namespace}`,
        hint: `grant it: microrun rbac --config='${text}' --namespace=${home} --service_account=seller | kubectl apply -f -`,
      });
      if (kind === "secret") {
        const stringData = { a: "b" };
        await cluster.request("POST", `/api/v1/namespaces/${namespace}/secrets`, {
          metadata: { name: "micro" },
          stringData,
        });
      }
      const [rules, ...more] = configRules([{ ...configAddress(parseSourceAddress(text), kind), namespace }]);
      expect(more).toEqual([]);
      const who = { serviceAccount: "seller", serviceAccountNamespace: home, name: `seller-${kind}` };
      await cluster.apply(rbacYaml({ ...rules!, clusterWide: false, ...who }));
      await config.until(() => config.fault === undefined, mendedMs);
      await config.until(() => config.tree.a !== undefined, soonMs);
      expect(config.tree).toEqual(kind === "secret" ? { a: "b" } : { a: { b: "c" } });
      await using api = await openCluster({ kubeconfig, env: {}, log: silentLog });
      const list = (query: Record<string, string>) =>
        api.request("GET", `/api/v1/namespaces/${namespace}/${kind}s`, { query });
      for (const query of [{}, { fieldSelector: "metadata.name=other" }] as const) {
        await expect(list(query)).rejects.toMatchObject({ code: "permission_denied" });
      }
    }
  }, 60_000);

  test("that is taken away leaves the last tree, and holds again when it is given back", async () => {
    await using proxy = await tcpProxy(cluster.port);
    const namespace = await cluster.namespace();
    await put(cluster, namespace, { a: "b=c" });
    const { token } = await cluster.serviceAccount(namespace);
    const server = `https://127.0.0.1:${proxy.port}`;
    const kubeconfig = cluster.kubeconfig({ token: token(), namespace, server });
    const [granted] = configRules([{ kind: "configmap", namespace, name: "micro" }]);
    const yaml = rbacYaml({ ...granted!, clusterWide: false });
    await cluster.apply(yaml);
    await using config = open(cluster, "configmap:micro", { kubeconfig });
    await config.until(() => config.tree?.a?.b === "c", mendedMs);
    await cluster.kubectl(["delete", "role", "microrun", `--namespace=${namespace}`]);
    proxy.reset();
    await config.until(() => config.fault?.code === "permission_denied");
    expect(config.fault?.message).toBe(`may not watch configmaps in namespace ${namespace}`);
    await put(cluster, namespace, { a: "b=d" });
    expect(config.tree).toEqual({ a: { b: "c" } });
    await cluster.apply(yaml);
    await config.until(() => config.fault === undefined, mendedMs);
    await config.until(() => config.tree.a.b === "d", soonMs);
  }, 90_000);

  test.each(["k8s-micro", "devexps"])(
    "as the manifests of %s give it suffices",
    async (name) => {
      await cluster.apply(await Bun.file(join(import.meta.dir, `fixtures/kubernetes/${name}.yaml`)).text());
      const account = name === "devexps" ? "go-micro-services" : "micro-services";
      const { token } = await cluster.serviceAccount("go-micro", account);
      const kubeconfig = cluster.kubeconfig({ token: token(), namespace: "go-micro" });
      const own = `${name}-${crypto.randomUUID()}`;
      await using config = open(cluster, `configmap:${own}`, { kubeconfig });
      await config.until(() => config.fault?.code === "not_found", mendedMs);
      await put(cluster, "go-micro", { a: "b=c" }, { name: own });
      await config.until(() => config.tree.a?.b === "c", soonMs);
      await remove(cluster, "go-micro", own);
    },
    60_000,
  );

  test("to list but not to watch is told, and changes are seen late", async () => {
    const namespace = await cluster.namespace();
    await put(cluster, namespace, { a: "b=c" });
    const { token } = await cluster.serviceAccount(namespace);
    const kubeconfig = cluster.kubeconfig({ token: token(), namespace });
    const rules = [{ apiGroup: "", resources: ["configmaps"], verbs: ["list"] }];
    await cluster.apply(rbacYaml({ rules, namespace, clusterWide: false }));
    await using config = open(cluster, "configmap:micro", { kubeconfig });
    await config.until(() => config.tree?.a?.b === "c", mendedMs);
    await config.until(() => /may not watch configmaps/.test(config.fault?.message ?? ""));
    await put(cluster, namespace, { a: "b=d" });
    await config.until(() => config.tree.a.b === "d", mendedMs);
    expect(config.fault?.message).toMatch(/may not watch configmaps/);
  }, 60_000);
});

describe.skipIf(!plane)("an API server", () => {
  const owned = plane ? ownControlPlane() : undefined;
  afterAll(async () => (await owned)?.[Symbol.asyncDispose]());

  test("that is away at start gives nothing, and what there is when it comes", async () => {
    const own = (await owned)!;
    await own.start();
    const namespace = await own.namespace();
    await put(own, namespace, { a: "b=c" });
    await own.kill("kube-apiserver");
    await using config = open(own, `configmap://${namespace}/micro`);
    await config.until(() => config.fault?.code === "unavailable");
    expect(config.fault?.message).toContain("connection refused");
    expect(config.trees).toEqual([]);
    await own.start();
    await config.until(() => config.trees.length === 1, mendedMs);
    expect(config.tree).toEqual({ a: { b: "c" } });
    expect(config.fault).toBeUndefined();
  }, 90_000);

  test("that goes away leaves the last tree, and what changed meanwhile is seen when it is back", async () => {
    const own = (await owned)!;
    await own.start();
    const namespace = await own.namespace();
    await put(own, namespace, { a: "b=c" });
    await using config = open(own, `configmap://${namespace}/micro`);
    await config.until(() => config.trees.length === 1);
    await own.kill("kube-apiserver");
    await config.until(() => config.fault?.code === "unavailable");
    expect(config.tree).toEqual({ a: { b: "c" } });
    await own.start();
    await put(own, namespace, { a: "b=d" });
    await config.until(() => config.tree.a.b === "d", mendedMs);
    await config.until(() => config.fault === undefined, soonMs);
    expect(config.trees).toHaveLength(2);
  }, 90_000);

  test("is not told of where its connections are only cut and made anew", async () => {
    const cluster = plane!;
    await using proxy = await tcpProxy(cluster.port);
    const namespace = await cluster.namespace();
    await put(cluster, namespace, { n: "n=0" });
    const kubeconfig = cluster.kubeconfig({ server: `https://127.0.0.1:${proxy.port}` });
    const faults: unknown[] = [];
    await using config = open(cluster, `configmap://${namespace}/micro`, {
      kubeconfig,
      told: (fault) => faults.push(fault),
    });
    await config.until(() => config.trees.length === 1);
    for (const fault of ["close", "reset", "close", "reset"] as const) {
      const n = config.trees.length;
      proxy[fault]();
      await put(cluster, namespace, { n: `n=${n}` });
      await config.until(() => config.tree.n.n === String(n));
    }
    expect(faults).toEqual([]);
  });

  test("has few connections from many sources that share one", async () => {
    const cluster = plane!;
    await using proxy = await tcpProxy(cluster.port);
    const namespace = await cluster.namespace();
    const kubeconfig = cluster.kubeconfig({ server: `https://127.0.0.1:${proxy.port}` });
    let opened = 0;
    const share = sharedCluster(() => {
      opened++;
      return openCluster({ kubeconfig, env: {}, log: silentLog });
    });
    const names = Array.from({ length: 5 }, (_, n) => `n${n}`);
    for (const name of names) await put(cluster, namespace, { [name]: "a=b" }, { name });
    {
      await using stack = new AsyncDisposableStack();
      const configs = names.map((name) =>
        stack.use(open(cluster, `configmap://${namespace}/${name}`, { share })),
      );
      for (const config of configs) await config.until(() => config.trees.length === 1);
      // a watch each, and those that lists were made by
      expect(proxy.open).toBeLessThan(2 * names.length + 1);
    }
    expect(opened).toBe(1);
  });
});

describe.skipIf(!plane || !v2)("go-micro v2.3.0 and we make the same tree of", () => {
  const cluster = plane!;
  const edges = {
    trailing: "a=b\n",
    plain: "justvalue",
    equals: "password=pa=ss",
    windows: "a=1\r\nb = 2 ",
    comment: "# comment=x",
    empty: "",
    twice: "a=1\na=2",
    json: '{"a":1}',
    __proto__: "x=y",
    inner: "__proto__=x\nconstructor=y",
  };

  test.each([
    ["micro/kubernetes, made of files", undefined],
    ["k8s-micro", { DB_NAME: "MICRO", DB_HOST: "192.168.0.1" }],
    ["the edges of its format", edges],
  ] as const)("the ConfigMap of %s", async (_of, data) => {
    const namespace = await cluster.namespace();
    if (data === undefined) {
      using files = folder({
        config: "host=0.0.0.0\nport=1337",
        mongodb: "host=127.0.0.1\nport=27017\nuser=user\npassword=password",
        redis: "url=redis://127.0.0.1:6379/db01",
      });
      const args = ["create", "configmap", "micro", `--from-file=${files.path}`, `--namespace=${namespace}`];
      await cluster.kubectl(args);
    } else await put(cluster, namespace, data);
    const kubeconfig = cluster.kubeconfig();
    const theirs = await output([v2!, "config", `--kubeconfig=${kubeconfig}`, `--namespace=${namespace}`]);
    await using config = open(cluster, `configmap://${namespace}/micro`);
    await config.until(() => config.trees.length === 1);
    expect(JSON.parse(JSON.stringify(config.trees[0]))).toEqual(theirs.tree);
    expect(config.fault).toBeUndefined();
  });
});

describe.skipIf(!plane || !kratos)("Kratos and we make the same tree of", () => {
  const cluster = plane!;
  const token = 'server:\n  grpc:\n    addr: 0.0.0.0:9090\n    timeout: 1s\n\nregistry:\n  type: "k8s"\n';
  const admin = `server:
  http:
    addr: 0.0.0.0:8080
    timeout: 1s
    headers:
      - "Content-Type"
      - "Authorization"
    methods:
      - "GET"
      - "POST"
      - "PUT"
      - "DELETE"
      - "HEAD"
      - "OPTIONS"
    origins:
      - "*"
  grpc:
    addr: 0.0.0.0:9090
    timeout: 1s

client:
  grpc:
    timeout: 1s

registry:
  type: "k8s"
`;

  test.each([
    ["devexps' ConfigMap of its token service", { "token-srv": { "config.yaml": token } }],
    ["devexps' ConfigMap of its admin service", { "admin-srv": { "config.yaml": admin } }],
    [
      "several ConfigMaps of several formats",
      {
        a: { "app.yaml": "server: {addr: ':80', tags: [x, y]}\n", "more.json": '{"k":"v","n":{"m":1}}' },
        b: { "app.yaml": "server: {addr: ':81', deep: {a: true, b: null, f: 1.5}}\n" },
      },
    ],
  ] as const)("%s", async (_of, objects) => {
    const namespace = await cluster.namespace();
    const labels = { app: "user-srv" };
    for (const [name, data] of Object.entries(objects)) await put(cluster, namespace, data, { name, labels });
    const list = await cluster.kubectl([
      ...["get", "configmaps", "--selector=app=user-srv", "--sort-by=metadata.name"],
      ...["--output=json", `--namespace=${namespace}`],
    ]);
    const theirs = await output([kratos!, "config"], list);
    await using config = open(cluster, `configmap://${namespace}?labels=app=user-srv`);
    await config.until(() => config.trees.length === 1);
    expect(config.tree).toEqual(theirs.tree);
    expect(config.fault).toBeUndefined();
  });
});

describe.skipIf(!plane).each([...targets])("from $name, a handler", (target) => {
  const cluster = plane!;
  const configured = join(import.meta.dir, "fixtures/kubernetes/configured.ts");

  test("sees what kubectl edits within a second, as long as the API server says, and is told in its log of what is wrong", async () => {
    const namespace = await cluster.namespace();
    using files = folder({ mongodb: "host=127.0.0.1\nport=27017" });
    await cluster.kubectl([
      "create",
      "configmap",
      "micro",
      `--from-file=${files.path}`,
      `--namespace=${namespace}`,
    ]);
    const args = [`--config=configmap://${namespace}/micro`, `--kubeconfig=${cluster.kubeconfig()}`];
    await using service = await serve(target, [configured, ...args]);
    expect(await get(service, "mongodb.host")).toBe("127.0.0.1");

    using script = folder({ edit: `#!/bin/sh\nsed -i 's/127.0.0.1/10.0.0.7/' "$1"\n` });
    const editor = join(script.path, "edit");
    chmodSync(editor, 0o755);
    await cluster.kubectl(["edit", "configmap", "micro", `--namespace=${namespace}`], undefined, {
      KUBE_EDITOR: editor,
    });
    const end = performance.now() + soonMs;
    while ((await get(service, "mongodb.host")) !== "10.0.0.7" && performance.now() < end)
      await Bun.sleep(10);
    expect(await get(service, "mongodb.host")).toBe("10.0.0.7");

    await put(cluster, namespace, { "config.yaml": "a: [\n" });
    await service.logged(new RegExp(`config source configmap://${namespace}/micro: config.yaml.* line`));
    expect(await get(service, "mongodb.host")).toBe("10.0.0.7");
    const ready = await fetch(`http://${service.address()}/readyz?verbose`);
    expect([ready.status, await ready.text()]).toEqual([
      200,
      expect.stringContaining(`configmap://${namespace}/micro`),
    ]);
    await remove(cluster, namespace);
    await service.logged(/no ConfigMap micro in namespace .* any more/);
    expect(await get(service, "mongodb.host")).toBe("10.0.0.7");
  });

  test("is given what the Role of microrun rbac allows, in a Pod of another namespace", async () => {
    const [namespace, home] = [await cluster.namespace(), await cluster.namespace()];
    await put(cluster, namespace, { DB_NAME: "MICRO" });
    const config = `--config=configmap://${namespace}/micro`;
    const rbac = [...["rbac", "--registry=memory"], config, `--namespace=${home}`];
    const { stdout, code } = await microrun(target, rbac);
    expect(code).toBe(0);
    expect(stdout).toContain("resourceNames");
    await cluster.apply(stdout);
    const account = await cluster.serviceAccount(home);
    const inPlace = { name: target.name, command: [...cluster.asPod(account), ...target.command] };
    await using service = await serve(inPlace, [configured, `${config}?required`, "--registry=memory"]);
    expect(await get(service, "DB_NAME")).toBe("MICRO");
  });

  test("is told one command that grants all it asks for, whatever was refused", async () => {
    const home = await cluster.namespace();
    for (const name of ["a", "b"]) await put(cluster, home, { [name]: name }, { name });
    const account = await cluster.serviceAccount(home, "seller");
    const inPlace = { name: target.name, command: [...cluster.asPod(account), ...target.command] };
    const flags = ["--registry=kubernetes", "--config=configmap:a", "--config=configmap:b"];
    const told = `microrun rbac --registry=kubernetes --config='configmap:a' --config='configmap:b' --namespace=${home} --service_account=seller |`;
    await using service = await serve(inPlace, [configured, ...flags, "--log_format=text"]);
    await service.logged(/may not patch pods/);
    const commands = () => service.log().match(/microrun rbac [^|]*\|/g) ?? [];
    await service.logged(/(microrun rbac [^|]*\|[\s\S]*){3}/);
    expect(new Set(commands())).toEqual(new Set([told]));
    const { stdout } = await microrun(target, [
      "rbac",
      ...flags,
      `--namespace=${home}`,
      "--service_account=seller",
    ]);
    await cluster.apply(stdout);
    for (const name of ["a", "b"])
      await service.logged(new RegExp(`config source configmap:${name}: all is well again`));
    expect([await get(service, "a"), await get(service, "b")]).toEqual(["a", "b"]);
    expect(service.log()).not.toContain("may not watch");
  }, 60_000);

  test("starts with a Secret that is required though an entry is no text, which it says", async () => {
    const namespace = await cluster.namespace();
    const data = { word: btoa("geheim"), "store.jks": "//79/A==" };
    await cluster.request("POST", `/api/v1/namespaces/${namespace}/secrets`, {
      metadata: { name: "micro" },
      data,
    });
    const config = `--config=secret://${namespace}/micro?required`;
    const flags = [config, `--kubeconfig=${cluster.kubeconfig()}`];
    await using service = await serve(target, [configured, ...flags]);
    expect(await get(service, "word")).toBe("geheim");
    const left = "left out, since it is no text in UTF-8: store.jks";
    await service.logged(new RegExp(`config source secret://${namespace}/micro: ${left}`));
    const ready = await (await fetch(`http://${service.address("http")}/readyz?verbose`)).text();
    expect(ready).toContain("[+]config ok\n");
    const checked = await microrun(target, ["config", "check", ...flags]);
    expect(checked).toMatchObject({ stdout: `secret://${namespace}/micro: ${left}\nok\n`, code: 0 });
  });

  test("does not start without a ConfigMap that is required, and says which", async () => {
    const namespace = await cluster.namespace();
    const args = [`--config=configmap://${namespace}/micro?required`, `--kubeconfig=${cluster.kubeconfig()}`];
    const { code, stderr } = await microrun(target, [configured, ...args, "--server_address=127.0.0.1:0"]);
    expect(code).toBe(1);
    expect(stderr).toContain(`config source configmap://${namespace}/micro: no ConfigMap micro`);
  });
});

async function get(service: Running, path: string): Promise<unknown> {
  const response = await fetch(`http://${service.address()}/Config/Get`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ path }),
  });
  const { value } = (await response.json()) as { value: unknown };
  return value;
}

interface OpenOptions {
  readonly kubeconfig?: string;
  readonly share?: ReturnType<typeof sharedCluster>;
  readonly told?: (fault: unknown) => void;
}

/** As the administrator unless a kubeconfig is given. */
function open(cluster: ControlPlane, text: string, { kubeconfig, share, told }: OpenOptions = {}): Follower {
  const address = parseSourceAddress(text);
  const source = configMapSource({
    address,
    kind: address.scheme as ConfigKind,
    kubernetes: { kubeconfig: kubeconfig ?? cluster.kubeconfig() },
    read: readEntries,
    env: {},
    log: silentLog,
    ...(share === undefined ? {} : { cluster: share }),
  });
  const watch = source.watch;
  return follow({
    ...source,
    watch: (signal, tell, leaveOut) => {
      const tellBoth = (fault: MicrorunError | undefined): void => {
        told?.(fault);
        tell(fault);
      };
      return watch(signal, tellBoth, leaveOut);
    },
  });
}

/** Made, or replaced whole where it is there. */
async function put(
  cluster: ControlPlane,
  namespace: string,
  data: Readonly<Record<string, string>> | undefined,
  { name = "micro", labels = {} }: { name?: string; labels?: Readonly<Record<string, string>> } = {},
): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  const object = { metadata: { name, labels }, ...(data === undefined ? {} : { data }) };
  try {
    await cluster.request("POST", path, object);
  } catch (error) {
    if (!/ 409 /.test(String(error))) throw error;
    await cluster.request("PUT", `${path}/${name}`, object);
  }
}

async function remove(cluster: ControlPlane, namespace: string, name = "micro"): Promise<void> {
  await cluster.request("DELETE", `/api/v1/namespaces/${namespace}/configmaps/${name}`);
}

// biome-ignore lint/suspicious/noExplicitAny: a line of a peer
async function output(command: readonly string[], stdin = ""): Promise<any> {
  const child = Bun.spawn([...command], { stdin: Buffer.from(stdin), stdout: "pipe", stderr: "pipe" });
  const [said, wrote] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")}: ${wrote}`);
  return JSON.parse(said);
}

/** Our client of the API server against a real one: who it trusts, who it is there, what it makes of answers, how it keeps in step. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, connect as dial, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Cluster, type ClusterOptions, openCluster } from "../src/kubernetes/api/cluster.ts";
import { type Reflector, reflect } from "../src/kubernetes/watch/reflector.ts";
import { createLog, silentLog } from "../src/log.ts";
import { makeAuthority } from "./certificate.ts";
import { controlPlane, ownControlPlane } from "./control-plane.ts";

const plane = await controlPlane();
const folder = mkdtempSync(join(tmpdir(), "microrun-client-"));
afterAll(() => rmSync(folder, { recursive: true }));

const open = (options: Partial<ClusterOptions>): Promise<Cluster> =>
  openCluster({ env: { PATH: process.env.PATH, HOME: folder }, log: silentLog, ...options });

/** What a request fails with. */
async function failure(cluster: Cluster, path = "/version") {
  return await cluster.request("GET", path).then(
    () => undefined,
    (error) => ({ code: error.code, message: error.message, hint: error.hint }),
  );
}

const pods = (namespace: string) => `/api/v1/namespaces/${namespace}/pods`;

const reflectNames = (cluster: Cluster, namespace: string, log = silentLog): Reflector<string> =>
  reflect({
    cluster,
    path: pods(namespace),
    prune: ({ metadata }) => `${metadata.name} ${metadata.annotations?.state ?? ""}`,
    log,
  });

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Pipes to the API server, counts and cuts; CONNECT is understood where it is spoken. */
async function middleman(port: number) {
  const open = new Set<Socket>();
  let accepted = 0;
  let asked = "";
  const server: Server = createServer((socket) => {
    accepted++;
    open.add(socket);
    socket.once("close", () => open.delete(socket)).on("error", () => {});
    socket.once("data", (first) => {
      const upstream = dial(port, "127.0.0.1").on("error", () => socket.destroy());
      upstream.once("close", () => socket.destroy());
      socket.once("close", () => upstream.destroy());
      if (first.toString("latin1").startsWith("CONNECT ")) {
        asked = first.toString("latin1");
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
      } else upstream.write(first);
      socket.pipe(upstream);
      upstream.pipe(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    accepted: () => accepted,
    open: () => open.size,
    asked: () => asked,
    /** As a broken network does. */
    reset: () => {
      for (const socket of open) socket.resetAndDestroy();
    },
    [Symbol.dispose]: () => {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

describe.skipIf(!plane)("the client of the API server", () => {
  const kube = plane!;

  test("is let in by a client certificate, a token and a plugin", async () => {
    const { folder: account } = await kube.serviceAccount(await kube.namespace());
    const token = readFileSync(join(account, "token"), "utf8");
    const credentials = JSON.stringify({ kind: "ExecCredential", status: { token } });
    for (const user of [{}, { token }, { exec: { command: "echo", args: [credentials] } }]) {
      await using cluster = await open({ kubeconfig: kube.kubeconfig(user) });
      expect((await cluster.request("GET", "/version")).major).toBe("1");
    }
  });

  test("refuses a server of another CA, of another name, and of none of the world's authorities", async () => {
    const stranger = makeAuthority();
    await using foreign = await open({ kubeconfig: kube.kubeconfig({ ca: stranger.cert }) });
    expect(await failure(foreign)).toMatchObject({
      code: "unavailable",
      message: `cannot reach ${kube.url}: its certificate is not signed by a CA we trust`,
      hint: expect.stringContaining("certificate-authority-data"),
    });
    const config = JSON.parse(readFileSync(kube.kubeconfig(), "utf8"));
    const edited = (change: object): string => {
      const path = join(folder, crypto.randomUUID());
      const cluster = { ...config.clusters[0].cluster, ...change };
      writeFileSync(path, JSON.stringify({ ...config, clusters: [{ name: "test", cluster }] }));
      return path;
    };
    await using misnamed = await open({ kubeconfig: edited({ "tls-server-name": "other.example" }) });
    expect(await failure(misnamed)).toMatchObject({
      message: expect.stringMatching(/its certificate is for another name$/),
    });
    await using renamed = await open({ kubeconfig: edited({ "tls-server-name": "kubernetes.default.svc" }) });
    expect(await failure(renamed)).toBeUndefined();
    await using unknown = await open({ kubeconfig: edited({ "certificate-authority-data": "" }) });
    expect(await failure(unknown)).toMatchObject({
      message: expect.stringMatching(/not signed by a CA we trust$/),
    });
    await using trusting = await open({
      kubeconfig: edited({ "certificate-authority-data": "", "insecure-skip-tls-verify": true }),
    });
    expect(await failure(trusting)).toBeUndefined();
    // the trust of one is not the other's, although they share a pool of connections
    expect(await failure(unknown)).toMatchObject({
      message: expect.stringMatching(/not signed by a CA we trust$/),
    });
  });

  test("tells what it cannot reach, and why", async () => {
    await using nobody = await open({ kubeconfig: kube.kubeconfig(), server: "https://127.0.0.1:1" });
    expect(await failure(nobody)).toMatchObject({
      code: "unavailable",
      message: "cannot reach https://127.0.0.1:1: connection refused",
    });
  });

  test("is a pod's service account, and takes a rotated token the moment the old one is refused", async () => {
    const namespace = await kube.namespace();
    const account = await kube.serviceAccount(namespace);
    const env = { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: String(kube.port) };
    await account.rotate({ seconds: -60 });
    await using cluster = await open({ env, serviceAccountFolder: account.folder });
    expect(cluster).toMatchObject({ server: kube.url, namespace });
    expect(await failure(cluster, pods(namespace))).toMatchObject({ code: "unauthenticated" });
    await account.rotate();
    const forbidden = await Promise.all(Array.from({ length: 4 }, () => failure(cluster, pods(namespace))));
    for (const error of forbidden) {
      expect(error).toMatchObject({
        code: "permission_denied",
        message: expect.stringContaining(
          `User "system:serviceaccount:${namespace}:default" cannot list resource "pods"`,
        ),
      });
    }
  });

  test("has the API server's own words in its errors", async () => {
    const namespace = await kube.namespace();
    await using cluster = await open({ kubeconfig: kube.kubeconfig() });
    const account = { metadata: { name: "seller" } };
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts`;
    await cluster.request("POST", path, { body: account });
    await expect(cluster.request("POST", path, { body: account })).rejects.toMatchObject({
      code: "aborted",
      reason: "ALREADY_EXISTS",
      message: 'serviceaccounts "seller" already exists',
    });
    await expect(cluster.request("GET", `${path}/nobody`)).rejects.toMatchObject({
      code: "not_found",
      message: 'serviceaccounts "nobody" not found',
    });
    await expect(cluster.request("POST", path, { body: { metadata: { name: "A_" } } })).rejects.toMatchObject(
      {
        code: "invalid_argument",
      },
    );
    const contentType = "application/strategic-merge-patch+json";
    const body = { metadata: { labels: { a: "b" } } };
    const patched = await cluster.request("PATCH", `${path}/seller`, { body, contentType });
    expect(patched.metadata.labels).toEqual({ a: "b" });
  });

  test("goes through the kubeconfig's proxy, and is cut loose when it is stopped", async () => {
    using proxy = await middleman(kube.port);
    const config = JSON.parse(readFileSync(kube.kubeconfig(), "utf8"));
    config.clusters[0].cluster["proxy-url"] = `http://john:geheim@127.0.0.1:${proxy.port}`;
    const path = join(folder, crypto.randomUUID());
    writeFileSync(path, JSON.stringify(config));
    await using cluster = await open({ kubeconfig: path });
    expect(await failure(cluster)).toBeUndefined();
    expect(proxy.asked()).toStartWith(`CONNECT 127.0.0.1:${kube.port} HTTP/1.1\r\n`);
    expect(proxy.asked()).toContain(Buffer.from("john:geheim").toString("base64"));
    const stop = new AbortController();
    stop.abort();
    await expect(cluster.request("GET", "/version", { signal: stop.signal })).rejects.toMatchObject({
      code: "cancelled",
    });
  });

  test("keeps few connections however much is asked, and gives back that of a watch", async () => {
    using way = await middleman(kube.port);
    const server = `https://localhost:${way.port}`;
    await using cluster = await open({ kubeconfig: kube.kubeconfig(), server });
    for (let done = 0; done < 1000; done += 50) {
      await Promise.all(Array.from({ length: 50 }, () => cluster.request("GET", "/version")));
    }
    expect(way.accepted()).toBeLessThan(10);
    const before = way.open();
    const namespace = await kube.namespace();
    const reflectors = Array.from({ length: 3 }, () => reflectNames(cluster, namespace));
    await until(() => way.open() >= before + 3 || way.open() >= 3);
    for (const reflector of reflectors) await reflector[Symbol.asyncDispose]();
    await until(() => way.open() <= before);
  });

  test("reads a list of several pages, and sees what is added, changed and removed", async () => {
    const namespace = await kube.namespace();
    await using cluster = await open({ kubeconfig: kube.kubeconfig() });
    const spec = { containers: [{ name: "c", image: "c:1" }] };
    const make = (name: string) =>
      cluster.request("POST", pods(namespace), {
        body: { metadata: { name, annotations: { state: "ä" } }, spec },
      });
    await cluster
      .request("POST", `/api/v1/namespaces/${namespace}/serviceaccounts`, {
        body: { metadata: { name: "default" } },
      })
      .catch(() => {});
    await Promise.all(Array.from({ length: 1100 }, (_, number) => make(`p${number}`)));
    const told: string[] = [];
    const request: Cluster["request"] = async (...asked) => {
      told.push("asked");
      const page = await cluster.request(...asked);
      told.push("read");
      return page;
    };
    await using reflector = reflectNames({ ...cluster, request }, namespace);
    await reflector.synced;
    // the API server's own lists say at once where they go on
    expect(told).toEqual(["asked", "asked", "read", "asked", "read", "read"]);
    expect(reflector.current.size).toBe(1100);
    expect(reflector.current.get(`${namespace}/p7`)).toBe("p7 ä");
    await make("new");
    await until(() => reflector.current.has(`${namespace}/new`));
    const contentType = "application/merge-patch+json";
    const body = { metadata: { annotations: { state: "b" } } };
    await cluster.request("PATCH", `${pods(namespace)}/new`, { body, contentType });
    await until(() => reflector.current.get(`${namespace}/new`) === "new b");
    await cluster.request("DELETE", `${pods(namespace)}/new`, { query: { gracePeriodSeconds: "0" } });
    await until(() => !reflector.current.has(`${namespace}/new`));
    expect(reflector.current.size).toBe(1100);
  });

  test("an object that leaves the selector goes", async () => {
    const namespace = await kube.namespace();
    await using cluster = await open({ kubeconfig: kube.kubeconfig() });
    const pod = await kube.pod(namespace, { labels: { app: "greeter" } });
    const query = { labelSelector: "app=greeter" };
    const prune = () => true;
    await using reflector = reflect({ cluster, path: pods(namespace), query, prune, log: silentLog });
    await reflector.synced;
    expect([...reflector.current.keys()]).toEqual([`${namespace}/${pod.name}`]);
    await pod.patch({ labels: { app: "other" } });
    await until(() => reflector.current.size === 0);
  });

  test("a connection that is reset is made again, and nothing that happened meanwhile is missed", async () => {
    const namespace = await kube.namespace();
    using way = await middleman(kube.port);
    await using cluster = await open({
      kubeconfig: kube.kubeconfig(),
      server: `https://localhost:${way.port}`,
    });
    await using reflector = reflectNames(cluster, namespace);
    await reflector.synced;
    for (let round = 1; round <= 5; round++) {
      way.reset();
      await kube.pod(namespace);
      await until(() => reflector.current.size === round);
    }
  });

  test("what the printed Role grants is enough", async () => {
    const namespace = await kube.namespace();
    const account = await kube.serviceAccount(namespace, "seller");
    const env = { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: String(kube.port) };
    await using cluster = await open({ env, serviceAccountFolder: account.folder });
    let role = "";
    const log = createLog({ write: () => {} });
    log.follow(({ fields }) => {
      role ||= String(fields.role ?? "");
    });
    await kube.pod(namespace);
    await using reflector = reflectNames(cluster, namespace, log);
    await reflector.synced;
    expect(reflector.denied?.code).toBe("permission_denied");
    await kube.apply(role);
    await until(() => reflector.denied === undefined && reflector.staleSince === undefined);
    expect(reflector.current.size).toBe(1);
  });
});

describe.skipIf(!plane)("the client, while the API server is away,", () => {
  test("keeps what it knows, and finds what changed when it is back, also after etcd was compacted", async () => {
    await using kube = (await ownControlPlane())!;
    const namespace = await kube.namespace();
    const kept = await kube.pod(namespace);
    await using cluster = await open({ kubeconfig: kube.kubeconfig() });
    await using reflector = reflectNames(cluster, namespace);
    await reflector.synced;
    await kube.kill("kube-apiserver");
    await until(() => reflector.staleSince !== undefined);
    expect(reflector.current.size).toBe(1);
    await kube.start();
    await kept.patch({ annotations: { state: "changed" } });
    const other = await kube.pod(namespace);
    await kube.compact();
    await until(() => reflector.current.size === 2 && reflector.staleSince === undefined);
    expect(reflector.current.get(`${namespace}/${kept.name}`)).toBe(`${kept.name} changed`);
    await other.delete();
    await until(() => reflector.current.size === 1);
  }, 60_000);
});

import { expect, test } from "bun:test";
import { type Code, MicrorunError } from "../../errors.ts";
import { createLog } from "../../log.ts";
import type { Instance, Registry } from "../../registry/registry.ts";
import { pause } from "../../wait.ts";
import type { Cluster, WatchEvent } from "../api/cluster.ts";
import { maxNamespaces } from "./namespaces.ts";
import { type KubernetesRegistryOptions, listMs, registryOf } from "./registry.ts";

const greeter: Instance = {
  id: "greeter-1",
  service: "greeter",
  version: "1",
  address: "10.0.0.7:9090",
  metadata: { a: "b" },
};

test("nothing is asked before somebody looks, and all who look share two watches", async () => {
  const { cluster, registry } = scene();
  await using _ = registry;
  expect(cluster.asked).toEqual([]);
  const watches = ["greeter", "other", "greeter"].map((service) => watching(registry, service));
  for (const watch of watches) await watch.next();
  await registry.list();
  await cluster.settled();
  expect(cluster.asked.sort()).toEqual([
    "GET /api/v1/namespaces/team-a/pods",
    "GET /apis/discovery.k8s.io/v1/namespaces/team-a/endpointslices",
    "WATCH /api/v1/namespaces/team-a/pods",
    "WATCH /apis/discovery.k8s.io/v1/namespaces/team-a/endpointslices",
  ]);
});

test("a registration is a patch of the own pod, and is taken back by one", async () => {
  const { cluster, registry } = scene();
  await using _ = registry;
  cluster.put(pod("greeter-0", { labels: { app: "greeter" } }));
  const held = await registry.register(greeter);
  const { labels, annotations } = cluster.pod("greeter-0").metadata;
  expect(labels).toEqual({
    app: "greeter",
    "micro.mu/selector-greeter": "service",
    "micro.mu/type": "service",
  });
  expect(JSON.parse(annotations["micro.mu/service-greeter"]).nodes).toEqual([
    { id: "greeter-1", address: "10.0.0.7:9090", metadata: { a: "b" } },
  ]);
  expect(cluster.contentTypes).toEqual(["application/strategic-merge-patch+json"]);
  await held[Symbol.asyncDispose]();
  expect(cluster.pod("greeter-0").metadata.labels).toEqual({ app: "greeter", "micro.mu/type": "service" });
  expect(cluster.pod("greeter-0").metadata.annotations).toEqual({});
});

test("two services of one pod do not disturb each other", async () => {
  const { cluster, registry } = scene();
  await using _ = registry;
  cluster.put(pod("greeter-0"));
  await using __ = await registry.register(greeter);
  const other = await registry.register({ ...greeter, service: "other", id: "other-1" });
  await other[Symbol.asyncDispose]();
  expect(Object.keys(cluster.pod("greeter-0").metadata.annotations)).toEqual(["micro.mu/service-greeter"]);
});

test("a name that no label can hold is refused before anything is sent", async () => {
  const { cluster, registry } = scene();
  await using _ = registry;
  const error = await registry.register({ ...greeter, service: "foo_" }).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(MicrorunError);
  expect(error.code).toBe("invalid_argument");
  expect(cluster.asked).toEqual([]);
});

test("a registration that is refused is a line with the Role that allows it, and stands as soon as it is allowed", async () => {
  const { cluster, registry, lines } = scene();
  await using _ = registry;
  cluster.put(pod("greeter-0"));
  cluster.refuse("PATCH", "permission_denied");
  await using __ = await registry.register(greeter);
  expect(lines.filter((line) => line.includes("cannot register"))).toHaveLength(1);
  expect(lines.join()).toContain("may not patch pods in namespace team-a");
  expect(lines.join()).toContain("kind: Role");
  expect(registry.trouble?.()).toBe(
    "not registered on pod team-a/greeter-0: may not patch pods in namespace team-a",
  );
  expect(registry.trouble?.("greeter")).toBeUndefined();
  cluster.refuse("PATCH", undefined);
  while (cluster.pod("greeter-0").metadata.annotations["micro.mu/service-greeter"] === undefined)
    await pause(20);
  while (!lines.some((line) => line.includes("registered greeter on pod team-a/greeter-0"))) await pause(5);
  expect(registry.trouble?.()).toBeUndefined();
});

test("a registration without an answer is a line and trouble until it comes", async () => {
  const { cluster, registry, lines } = scene();
  await using _ = registry;
  cluster.put(pod("greeter-0"));
  const answer = cluster.hold("PATCH");
  await using __ = await registry.register(greeter);
  const why = "no answer from https://test within 3000 ms";
  expect(lines.join()).toContain(`cannot register greeter on pod team-a/greeter-0 yet: ${why}`);
  expect(registry.trouble?.()).toBe(`not registered on pod team-a/greeter-0 yet: ${why}`);
  answer();
  while (registry.trouble?.() !== undefined) await pause(5);
  expect(lines.join()).toContain("registered greeter on pod team-a/greeter-0");
});

test("the hint of a refusal grants all that the process does there, the later one no less", async () => {
  const { cluster, registry, lines } = scene();
  await using _ = registry;
  cluster.put(pod("greeter-0"));
  for (const what of ["PATCH", "GET"]) cluster.refuse(what, "permission_denied");
  const hints = () => lines.flatMap((line) => /microrun rbac ([^|]*) \|/.exec(line)?.[1] ?? []);
  await using __ = await registry.register(greeter);
  expect(hints()).toEqual(["--registry=kubernetes --selector=static --namespace=team-a"]);
  await registry.list().catch(() => {});
  expect(new Set(hints().slice(1))).toEqual(new Set(["--registry=kubernetes --namespace=team-a"]));
});

test("the hint of a refusal grants all that the flags say, elsewhere what is of there", async () => {
  const needs = { register: true, discover: true, sources: ["configmap:a", "configmap://team-b/b"] };
  const { cluster, registry, lines } = scene({ needs });
  await using _ = registry;
  const hints = () => lines.flatMap((line) => /microrun rbac ([^|]*) \|/.exec(line)?.[1] ?? []);
  cluster.refuse("GET", "permission_denied");
  await registry.list().catch(() => {});
  expect(new Set(hints().splice(0))).toEqual(
    new Set([
      "--registry=kubernetes --config='configmap:a' --config='configmap://team-b/b' --namespace=team-a",
    ]),
  );
  const before = lines.length;
  await using watch = watching(registry, "greeter.team-b");
  await watch.next();
  expect(lines.slice(before).join()).toContain(
    "microrun rbac --registry=kubernetes --no-register --config='configmap://team-b/b' --namespace=team-b |",
  );
});

test("a pod that is not there is told with where its name is from", async () => {
  const { registry, lines } = scene({ env: { HOSTNAME: "laptop" } });
  await using _ = registry;
  await using __ = await registry.register(greeter);
  expect(lines.join()).toContain(
    "cannot register greeter on pod team-a/laptop: there is none; its name is from HOSTNAME",
  );
  expect(lines.join()).toContain("set POD_NAME");
});

test("in Kratos' form a port that the pod does not declare is told once", async () => {
  const { cluster, registry, lines } = scene({ format: "kratos", intervalMs: 5 });
  await using _ = registry;
  cluster.put(pod("greeter-0", { ports: [{ name: "grpc", containerPort: 7000 }] }));
  await using __ = await registry.register(greeter);
  while (cluster.contentTypes.length < 3) await pause(2);
  expect(lines.filter((line) => line.includes("port 9090 is not among its containerPorts"))).toHaveLength(1);
});

test("a watch tells when the service's instances have changed, and of nothing else", async () => {
  const { cluster, registry } = scene();
  await using _ = registry;
  cluster.put(pod("a", { services: ["greeter"] }));
  await using watch = watching(registry, "greeter");
  expect(ids(await watch.next())).toEqual(["greeter-a"]);
  cluster.put(pod("b", { services: ["other"] }));
  cluster.put(pod("a", { services: ["greeter"], labels: { changed: "yes" } }));
  cluster.put(pod("c", { services: ["greeter"] }));
  expect(ids(await watch.next())).toEqual(["greeter-a", "greeter-c"]);
  cluster.put(pod("a", { services: ["greeter"], ready: false }));
  expect(ids(await watch.next())).toEqual(["greeter-c"]);
  cluster.remove("c");
  expect(ids(await watch.next())).toEqual([]);
});

test("what one kind cannot give, as it is refused, the other gives", async () => {
  for (const [refused, found] of [
    ["endpointslices", "greeter-a"],
    ["pods", "web"],
  ] as const) {
    const { cluster, registry } = scene();
    await using _ = registry;
    cluster.put(pod("a", { services: ["greeter"] }));
    cluster.put(slice("greeter", "web"));
    cluster.refuse(refused, "permission_denied");
    await using watch = watching(registry, "greeter");
    expect(ids(await watch.next())).toEqual([found]);
    expect(ids(await registry.list())).toEqual([found]);
    expect([registry.staleSince?.(), registry.trouble?.()]).toEqual([undefined, undefined]);
  }
});

test("where both kinds are refused a watch begins empty, and the list says what to grant", async () => {
  const { cluster, registry } = scene();
  await using _ = registry;
  cluster.refuse("pods", "permission_denied");
  cluster.refuse("endpointslices", "permission_denied");
  cluster.put(pod("a", { services: ["greeter"] }));
  await using watch = watching(registry, "greeter");
  expect(await watch.next()).toEqual([]);
  const error = await registry.list().catch((thrown) => thrown);
  expect([error.code, error.message]).toEqual(["permission_denied", "may not list pods in namespace team-a"]);
  expect(error.hint).toBe(
    "grant it: microrun rbac --registry=kubernetes --no-register --namespace=team-a | kubectl apply -f -",
  );
  expect(registry.trouble?.("greeter")).toBe("may not list pods in namespace team-a");
  expect(registry.staleSince?.()).toBeUndefined();
  cluster.refuse("pods", undefined);
  expect(ids(await watch.next())).toEqual(["greeter-a"]);
  expect([registry.trouble?.("greeter"), registry.trouble?.()]).toEqual([undefined, undefined]);
});

test("who is not logged in is not told of roles by the list either", async () => {
  const { cluster, registry } = scene();
  await using _ = registry;
  cluster.refuse("GET", "unauthenticated");
  const error = await registry.list().catch((thrown) => thrown);
  expect(error.message).toBe("cannot list pods in namespace team-a: not logged in to the API server");
  expect(error.hint).not.toContain("rbac");
});

test("a refusal of another namespace is no trouble of this one's services", async () => {
  const { cluster, registry } = scene();
  await using _ = registry;
  cluster.refuse("/namespaces/team-b/", "permission_denied");
  await using near = watching(registry, "greeter");
  await using far = watching(registry, "greeter.team-b");
  for (const watch of [near, far]) expect(await watch.next()).toEqual([]);
  expect(registry.trouble?.("greeter")).toBeUndefined();
  for (const asked of ["greeter.team-b", undefined])
    expect(registry.trouble?.(asked)).toBe("may not list pods in namespace team-b");
});

test("what is refused after it was there is trouble, and as old as the refusal", async () => {
  const { cluster, registry } = scene();
  await using _ = registry;
  cluster.put(pod("a", { services: ["greeter"] }));
  expect(ids(await registry.list())).toEqual(["greeter-a"]);
  await cluster.settled();
  cluster.refuse("pods", "permission_denied");
  while (registry.trouble?.("greeter") === undefined) await pause(5);
  expect(registry.trouble?.()).toBe("may not list pods in namespace team-a");
  expect(registry.staleSince?.()).toBeNumber();
});

test("a list that fails says what went wrong, at once where waiting does not mend it", async () => {
  const { cluster, registry } = scene();
  await using _ = registry;
  cluster.refuse("GET", "unavailable", "put the CA into the kubeconfig");
  const began = performance.now();
  const error = await registry.list().catch((thrown) => thrown);
  expect([error.code, error.message, error.hint]).toEqual([
    "unavailable",
    "cannot list services: refused by the test",
    "put the CA into the kubeconfig",
  ]);
  expect(performance.now() - began).toBeLessThan(listMs);
});

test("a name with a namespace is looked for there, once nobody bears the whole name", async () => {
  const { cluster, registry } = scene();
  await using _ = registry;
  cluster.put(pod("a", { services: ["greeter"], namespace: "team-b" }));
  await using watch = watching(registry, "greeter.team-b");
  expect(ids(await watch.next())).toEqual(["greeter-a"]);
  cluster.put(pod("dotted", { services: ["greeter.team-b"] }));
  expect(ids(await watch.next())).toEqual(["greeter.team-b-dotted"]);
  expect(cluster.asked).toContain("GET /api/v1/namespaces/team-b/pods");
});

test("a name of Go Micro's is found as it is, else as the Service that it means", async () => {
  const { cluster, registry } = scene();
  await using _ = registry;
  cluster.put(slice("go-micro-srv-greeter", "web"));
  await using watch = watching(registry, "go.micro.srv.greeter");
  expect(ids(await watch.next())).toEqual(["web"]);
  cluster.put(pod("a", { services: ["go.micro.srv.greeter"] }));
  expect(ids(await watch.next())).toEqual(["go.micro.srv.greeter-a"]);
  expect(cluster.asked.every((asked) => !asked.includes("/namespaces/go"))).toBe(true);
});

test("what cannot be a namespace is never asked for", async () => {
  const { cluster, registry } = scene();
  await using _ = registry;
  for (const service of ["a...", "greeter.UP", "x.%2e%2e", "10.0.0.1", "[::1]:80", "a./../../x"]) {
    await using watch = watching(registry, service);
    expect(await watch.next()).toEqual([]);
  }
  expect(cluster.asked.filter((asked) => !asked.includes("/namespaces/team-a/"))).toEqual([]);
});

test("all namespaces are two watches, in which names with a namespace are found too", async () => {
  const { cluster, registry } = scene({ namespace: "*" });
  await using _ = registry;
  cluster.put(pod("a", { services: ["greeter"] }));
  cluster.put(pod("b", { services: ["greeter"], namespace: "team-b" }));
  await using all = watching(registry, "greeter");
  expect(ids(await all.next())).toEqual(["greeter-a", "greeter-b"]);
  await using one = watching(registry, "greeter.team-b");
  expect(ids(await one.next())).toEqual(["greeter-b"]);
  expect(cluster.asked.filter((asked) => asked.startsWith("GET")).sort()).toEqual([
    "GET /api/v1/pods",
    "GET /apis/discovery.k8s.io/v1/endpointslices",
  ]);
});

test("namespaces beyond the bound wait for one that is no longer in use", async () => {
  const { cluster, registry, lines } = scene();
  await using _ = registry;
  const spaces = Array.from({ length: maxNamespaces }, (_, index) => `space-${index}`);
  for (const namespace of spaces) cluster.put(pod("a", { services: ["greeter"], namespace }));
  // the own namespace takes one place
  const held = spaces.slice(1).map((namespace) => watching(registry, `greeter.${namespace}`));
  for (const watch of held) expect(ids(await watch.next())).toEqual(["greeter-a"]);
  await using late = watching(registry, "greeter.space-0");
  expect(await late.next()).toEqual([]);
  expect(lines.join()).toContain("cannot look into namespace space-0: 16 are in use");
  await held[0]?.[Symbol.asyncDispose]();
  expect(ids(await late.next())).toEqual(["greeter-a"]);
  for (const watch of held) await watch[Symbol.asyncDispose]();
});

test("an annotation that cannot be read is one line to who asks for its service, however often its pod changes", async () => {
  const { cluster, registry, lines } = scene();
  await using _ = registry;
  const broken = { "micro.mu/service-broken": "{", "micro.mu/service-other": "{" };
  await using watch = watching(registry, "greeter");
  cluster.put(pod("a", { services: ["greeter"], annotations: broken }));
  expect(ids(await watch.next())).toEqual(["greeter-a"]);
  for (const ready of [false, true, false, true]) {
    cluster.put(pod("a", { services: ["greeter"], annotations: broken, ready }));
    expect(ids(await watch.next())).toEqual(ready ? ["greeter-a"] : []);
  }
  expect(lines).toEqual([]);
  await using asked = watching(registry, "broken.team-b");
  await asked.next();
  for (const ready of [false, true]) {
    cluster.put(pod("a", { services: ["greeter"], annotations: broken, ready }));
    await watch.next();
  }
  expect(lines).toHaveLength(1);
  expect(lines.join()).toContain("cannot read micro.mu/service-broken of pod team-a/a: it is not JSON");
});

test("the zone is that of the own pod, by its label or its endpoint", async () => {
  for (const labels of [{ "topology.kubernetes.io/zone": "z1" }, {}]) {
    const { cluster, registry } = scene();
    await using _ = registry;
    cluster.put(pod("greeter-0", { labels }));
    cluster.put(slice("web", "greeter-0", "z1"));
    expect(registry.zone?.()).toBeUndefined();
    await registry.list();
    expect(registry.zone?.()).toBe("z1");
  }
});

test("the registry is as stale as the API server is long away, and keeps what it knew", async () => {
  const { cluster, registry } = scene();
  await using _ = registry;
  cluster.put(pod("a", { services: ["greeter"] }));
  expect(ids(await registry.list())).toEqual(["greeter-a"]);
  expect(registry.staleSince?.()).toBeUndefined();
  cluster.refuse("GET", "unavailable");
  cluster.refuse("WATCH", "unavailable");
  while (registry.staleSince?.() === undefined) await pause(5);
  expect(registry.staleSince?.()).toBeLessThanOrEqual(Date.now());
  expect(ids(await registry.list())).toEqual(["greeter-a"]);
});

test("what was refused from the beginning makes nothing stale while the other kind tells", async () => {
  const { cluster, registry } = scene();
  await using _ = registry;
  cluster.refuse("endpointslices", "permission_denied");
  await registry.list();
  cluster.refuse("endpointslices", "unavailable");
  const slices = () => cluster.asked.filter((asked) => asked.endsWith("/endpointslices")).length;
  const before = slices();
  while (slices() < before + 2) await pause(5);
  expect(registry.staleSince?.()).toBeUndefined();
});

test("a registration that cannot be taken back is a line, and the stop goes on", async () => {
  const { cluster, registry, lines } = scene();
  await using _ = registry;
  cluster.put(pod("greeter-0"));
  const held = await registry.register(greeter);
  cluster.refuse("PATCH", "permission_denied");
  await held[Symbol.asyncDispose]();
  expect(lines.join()).toContain("greeter is still registered on pod team-a/greeter-0: refused by the test");
});

interface PodOptions {
  namespace?: string;
  services?: string[];
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ready?: boolean;
  ports?: { name: string; containerPort: number }[];
}

function pod(name: string, options: PodOptions = {}): Stored {
  const {
    namespace = "team-a",
    services = [],
    labels = {},
    annotations = {},
    ready = true,
    ports = [],
  } = options;
  const told = services.map((service) => [
    `micro.mu/service-${service}`,
    JSON.stringify({
      name: service,
      version: "1",
      nodes: [{ id: `${service}-${name}`, address: "10.0.0.7:9090" }],
    }),
  ]);
  return {
    kind: "pods",
    metadata: { name, namespace, labels, annotations: { ...annotations, ...Object.fromEntries(told) } },
    spec: { containers: [{ ports }] },
    status: {
      phase: "Running",
      podIP: "10.0.0.7",
      conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
    },
  };
}

function slice(service: string, podName: string, zone = "z0"): Stored {
  return {
    kind: "endpointslices",
    metadata: {
      name: `${service}-x`,
      namespace: "team-a",
      labels: { "kubernetes.io/service-name": service },
    },
    addressType: "IPv4",
    ports: [{ port: 9090 }],
    endpoints: [{ addresses: ["10.0.0.9"], targetRef: { kind: "Pod", name: podName }, zone }],
  };
}

function scene(options: Partial<KubernetesRegistryOptions> = {}) {
  const lines: string[] = [];
  const cluster = testCluster();
  const registry = registryOf(cluster, {
    format: "micro",
    intervalMs: 30_000,
    env: { HOSTNAME: "greeter-0" },
    log: createLog({ write: (line) => lines.push(line) }),
    ...options,
  });
  return { cluster, registry, lines };
}

function watching(registry: Registry, service: string) {
  const stop = new AbortController();
  const snapshots = registry.watch(service, stop.signal)[Symbol.asyncIterator]();
  return {
    async next(): Promise<readonly Instance[]> {
      const { done, value } = await snapshots.next();
      if (done) throw new Error("the watch ended");
      return value;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await snapshots.return?.();
    },
  };
}

function ids(instances: readonly Instance[]): string[] {
  return instances.map(({ id }) => id);
}

// biome-ignore lint/suspicious/noExplicitAny: a Kubernetes object
type Stored = any;

/** As much of an API server as a registry asks of it, in memory. */
function testCluster() {
  const stored = new Map<string, Stored>();
  const refused = new Map<string, MicrorunError>();
  const held = new Map<string, Promise<void>>();
  const watchers = new Set<{
    path: string;
    take: (event: WatchEvent) => void;
    end: (error?: unknown) => void;
  }>();
  const asked: string[] = [];
  const contentTypes: string[] = [];
  let version = 1;

  const kindOf = (path: string): string => path.split("/").at(-1) ?? "";
  const isIn = (object: Stored, path: string): boolean =>
    object.kind === kindOf(path) &&
    (!path.includes("/namespaces/") || path.includes(`/namespaces/${object.metadata.namespace}/`));
  const check = (method: string, path: string): void => {
    asked.push(`${method} ${path}`);
    const [, error] =
      [...refused].find(([what]) => [method, kindOf(path)].includes(what) || path.includes(what)) ?? [];
    if (error !== undefined) throw error;
  };
  const tell = (type: WatchEvent["type"], object: Stored): void => {
    for (const { path, take } of watchers)
      if (isIn(object, path)) take({ type, object: structuredClone(object) });
  };
  const keyOf = ({ kind, metadata }: Stored): string => `${kind}/${metadata.namespace}/${metadata.name}`;
  const put = (object: Stored): void => {
    const known = stored.has(keyOf(object));
    object.metadata.resourceVersion = String(++version);
    stored.set(keyOf(object), object);
    tell(known ? "MODIFIED" : "ADDED", object);
  };
  const found = (name: string, namespace = "team-a"): Stored => stored.get(`pods/${namespace}/${name}`);

  const cluster: Cluster = {
    server: "https://test",
    namespace: "team-a",
    async request(method, path, { body, contentType, query } = {}) {
      check(method, path);
      await held.get(method);
      if (method === "GET") {
        const wanted = (object: Stored) =>
          isIn(object, path) &&
          (query?.labelSelector ?? "")
            .split("=")
            .every((part, index) => part === "" || index > 0 || part in object.metadata.labels);
        const items = [...stored.values()].filter(wanted).map((object) => structuredClone(object));
        return { metadata: { resourceVersion: String(version) }, items };
      }
      contentTypes.push(contentType ?? "");
      const [, , , , namespace = "", , name = ""] = path.split("/");
      const object = structuredClone(found(name, namespace));
      if (object === undefined) throw new MicrorunError("not_found", `pods "${name}" not found`);
      for (const part of ["labels", "annotations"] as const) {
        for (const [key, value] of Object.entries((body as Stored).metadata[part])) {
          if (value === null) delete object.metadata[part][key];
          else object.metadata[part][key] = value;
        }
      }
      put(object);
      return structuredClone(object);
    },
    async *watch(path, _query, signal, opened) {
      check("WATCH", path);
      opened?.();
      const events: WatchEvent[] = [];
      let wake = Promise.withResolvers<void>();
      let failure: unknown;
      const watcher = {
        path,
        take: (event: WatchEvent) => {
          events.push(event);
          wake.resolve();
        },
        end: (error?: unknown) => {
          failure = error;
          wake.resolve();
        },
      };
      watchers.add(watcher);
      signal.addEventListener("abort", () => wake.resolve());
      try {
        while (!signal.aborted && failure === undefined) {
          const event = events.shift();
          if (event !== undefined) yield event;
          else {
            await wake.promise;
            wake = Promise.withResolvers();
          }
        }
        if (failure !== undefined) throw failure;
      } finally {
        watchers.delete(watcher);
      }
    },
    async [Symbol.asyncDispose]() {},
  };
  return {
    ...cluster,
    asked,
    contentTypes,
    put,
    pod: found,
    remove(name: string) {
      const object = found(name);
      stored.delete(keyOf(object));
      tell("DELETED", object);
    },
    /** @param what a method, `WATCH`, a kind of object, or a part of a path; watches of the former that are open end */
    refuse(what: string, code: Code | undefined, hint?: string) {
      refused.delete(what);
      if (code === undefined) return;
      const error = new MicrorunError(code, "refused by the test", hint === undefined ? {} : { hint });
      refused.set(what, error);
      for (const { path, end } of watchers) if (what === "WATCH" || kindOf(path) === what) end(error);
    },
    /** Answers nothing; returns what ends that. */
    hold(method: string) {
      const { promise, resolve } = Promise.withResolvers<void>();
      held.set(method, promise);
      return resolve;
    },
    /** Both watches of the namespace are open. */
    async settled() {
      while (watchers.size < 2) await pause(1);
    },
  };
}

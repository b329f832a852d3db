/** The kubernetes registry against a real API server: what it writes on Pods and what it finds on them and in EndpointSlices. */
import { afterAll, describe, expect, test } from "bun:test";
import { kubernetesRegistry } from "../src/kubernetes/registry/registry.ts";
import { createLog } from "../src/log.ts";
import { registryContract } from "../src/registry/registry.contract.ts";
import type { Instance, Registry } from "../src/registry/registry.ts";
import type { PodOptions, TestPod } from "./cluster-objects.ts";
import { type ControlPlane, controlPlane } from "./control-plane.ts";

const plane = await controlPlane();

describe.skipIf(!plane)("the kubernetes registry", () => {
  const cluster = plane!;
  const opened = new AsyncDisposableStack();
  afterAll(() => opened.disposeAsync());

  let namespace = "";
  registryContract(
    "kubernetes",
    async () => {
      namespace = await cluster.namespace();
      return (await inNewPod(cluster, namespace)).registry;
    },
    {
      other: async () => (await inNewPod(cluster, namespace)).registry,
      // a label holds the others' bytes as _, and may not begin or end with it
      oddNames: ["team/greeter v2", "topic:a.b", "a__proto__b", "grüße-b"],
      namespaced: true,
    },
  );

  const greeter: Instance = {
    id: "greeter-1",
    service: "greeter",
    version: "v1.0.0",
    address: "127.0.0.1:9090",
    protocols: { grpc: "127.0.0.1:9090", http: "127.0.0.1:8080" },
    metadata: { region: "sh" },
  };
  const start = async (options: StartOptions = {}) => {
    const home = await cluster.namespace();
    const started = await inNewPod(cluster, home, options);
    opened.use(started.registry);
    return { ...started, namespace: home };
  };

  test("writes on its pod what kubectl describe shows for Go Micro, and takes it back but for micro.mu/type", async () => {
    const { registry, pod, namespace: home } = await start({ pod: { labels: { app: "greeter" } } });
    const held = await registry.register(greeter);
    const described = await cluster.kubectl(["describe", "pod", pod.name, `--namespace=${home}`]);
    expect(described).toMatch(/micro\.mu\/selector-greeter=service\n\s+micro\.mu\/type=service/);
    expect(described).toContain('{"name":"greeter","version":"v1.0.0","metadata":null,"endpoints":[]');
    await held[Symbol.asyncDispose]();
    const { labels, annotations } = (await pod.get()).metadata;
    expect(labels).toEqual({ app: "greeter", "micro.mu/type": "service" });
    expect(annotations ?? {}).toEqual({});
  });

  test.each(["kratos", "gomicro"] as const)(
    "writes %s's form, is found by it, and empties it at the end",
    async (format) => {
      const ports = [
        { port: 9090, name: "a" },
        { port: 8080, name: "b" },
        { port: 9999, name: "metrics" },
      ];
      const { registry, pod, lines } = await start({ format, pod: { ports } });
      const held = await registry.register(greeter);
      const { labels, annotations } = (await pod.get()).metadata;
      expect(labels).toEqual({
        [`${format}-service-id`]: "greeter-1",
        [`${format}-service-app`]: "greeter",
        [`${format}-service-version`]: "v1.0.0",
      });
      expect(annotations).toEqual({
        [`${format}-service-metadata`]: '{"region":"sh"}',
        [`${format}-service-protocols`]: '{"8080":"http","9090":"grpc"}',
      });
      const [found] = await registry.list();
      expect(found).toEqual({
        ...greeter,
        namespace: pod.namespace,
        protocols: { grpc: "127.0.0.1:9090", http: "127.0.0.1:8080", metrics: "127.0.0.1:9999" },
      });
      await held[Symbol.asyncDispose]();
      expect(await registry.list()).toEqual([]);
      expect((await pod.get()).metadata.labels).toEqual({
        [`${format}-service-id`]: "",
        [`${format}-service-app`]: "",
        [`${format}-service-version`]: "",
      });
      expect(lines).toEqual([]);
    },
  );

  test("carries a name of 54 bytes, and refuses what the API server would", async () => {
    const { registry } = await start();
    const longest = "n".repeat(54);
    await using _ = await registry.register({ ...greeter, service: longest });
    expect((await registry.list()).map(({ service }) => service)).toEqual([longest]);
    for (const service of ["n".repeat(55), "foo_", "ünï"])
      expect(registry.register({ ...greeter, service }), service).rejects.toMatchObject({
        code: "invalid_argument",
      });
  });

  test("merges what a pod says with what its EndpointSlice says", async () => {
    const { registry, pod, namespace: home } = await start();
    await using _ = await registry.register({ ...greeter, address: "10.1.0.1:9090" });
    const other = await cluster.pod(home, { ip: "10.1.0.2" });
    const endpoint = { zone: "z1", forZones: ["z1", "z2"] };
    const slice = (state: object = {}) =>
      cluster.endpointSlice(home, "greeter", {
        ports: [{ port: 9100 }],
        endpoints: [
          { ...endpoint, addresses: ["10.1.0.1"], pod: pod.name, ...state },
          { ...endpoint, addresses: ["10.1.0.2"], pod: other.name },
        ],
      });
    await slice();
    await using watch = watching(registry, "greeter");
    await watch.until((all) => all.length === 2);
    expect(watch.last).toMatchObject([
      { id: "greeter-1", version: "v1.0.0", address: "10.1.0.1:9090", zone: "z1", forZones: ["z1", "z2"] },
      { id: other.name, version: "latest", address: "10.1.0.2:9100", zone: "z1", forZones: ["z1", "z2"] },
    ]);
    expect(registry.zone?.()).toBe("z1");
    await slice({ ready: false, serving: true, terminating: true });
    await watch.until((all) => all.length === 1);
    expect(watch.last.map(({ id }) => id)).toEqual([other.name]);
  });

  test("leaves the list when its pod ends in any way", async () => {
    const { registry, namespace: home } = await start();
    await using watch = watching(registry, "greeter");
    const ends: [string, (pod: TestPod) => Promise<unknown>][] = [
      ["not Ready", (pod) => pod.setReady(false)],
      ["Terminating", (pod) => pod.terminate()],
      ["Succeeded", (pod) => pod.setPhase("Succeeded")],
      ["evicted", (pod) => pod.setPhase("Failed", "Evicted")],
      ["deleted", (pod) => pod.delete()],
    ];
    for (const [how, end] of ends) {
      const annotations = { "micro.mu/service-greeter": annotation(how) };
      const pod = await cluster.pod(home, { annotations });
      await watch.until((all) => all.some(({ id }) => id === how));
      await end(pod);
      await watch.until((all) => all.length === 0);
    }
  });

  test("is written again when somebody took it away, and reads a change of it", async () => {
    const { registry, pod } = await start({ intervalMs: 200 });
    await using _ = await registry.register(greeter);
    await using watch = watching(registry, "greeter");
    await watch.until((all) => all.length === 1);
    await pod.patch({ annotations: { "micro.mu/service-greeter": null } });
    await watch.until((all) => all.length === 0);
    await watch.until((all) => all.length === 1);
  });

  test("finds a name with a namespace in that namespace", async () => {
    const { registry } = await start();
    const far = await start();
    await using _ = await far.registry.register(greeter);
    await using watch = watching(registry, `greeter.${far.namespace}`);
    await watch.until((all) => all.length === 1);
    expect(watch.last[0]?.namespace).toBe(far.namespace);
    await using near = watching(registry, "greeter");
    expect(await near.next()).toEqual([]);
  });

  test("sees all namespaces when asked to", async () => {
    const some = await start();
    const others = await start();
    await using _ = await some.registry.register({ ...greeter, service: "everywhere", id: "one" });
    await using __ = await others.registry.register({ ...greeter, service: "everywhere", id: "two" });
    const { registry } = await start({ namespace: "*" });
    await using watch = watching(registry, "everywhere");
    await watch.until((all) => all.length === 2);
    expect(watch.last.map(({ id }) => id).sort()).toEqual(["one", "two"]);
  });

  test("without any permission says what to grant, and works as soon as it is granted", async () => {
    const user = `nobody-${crypto.randomUUID()}`;
    const { registry, pod, namespace: home, lines } = await start({ user });
    await using _ = await registry.register(greeter);
    await using watch = watching(registry, "greeter");
    expect(await watch.next()).toEqual([]);
    expect(registry.list()).rejects.toMatchObject({ code: "permission_denied" });
    const told = lines.join("\n");
    for (const verb of ["list pods", "list endpointslices", "patch pods"])
      expect(told).toContain(`may not ${verb} in namespace ${home}`);
    expect(told).toContain("kind: Role");
    const group = "rbac.authorization.k8s.io";
    await cluster.apply(
      JSON.stringify({
        apiVersion: `${group}/v1`,
        kind: "Role",
        metadata: { name: "some" },
        rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["list", "watch", "patch"] }],
      }),
      home,
    );
    const subjects = [{ kind: "User", apiGroup: group, name: user }];
    const roleRef = { apiGroup: group, kind: "Role", name: "some" };
    await cluster.apply(
      JSON.stringify({
        apiVersion: `${group}/v1`,
        kind: "RoleBinding",
        metadata: { name: "some" },
        subjects,
        roleRef,
      }),
      home,
    );
    await watch.until((all) => all.length === 1);
    expect((await pod.get()).metadata.labels).toMatchObject({ "micro.mu/selector-greeter": "service" });
  });
});

function annotation(id: string): string {
  return JSON.stringify({
    name: "greeter",
    version: "1",
    nodes: [{ id, address: "127.0.0.1:1", metadata: {} }],
  });
}

interface StartOptions {
  format?: "micro" | "kratos" | "gomicro";
  intervalMs?: number;
  namespace?: string;
  pod?: PodOptions;
  user?: string;
}

/** A registry as a process of a new Pod has it. */
async function inNewPod(cluster: ControlPlane, home: string, options: StartOptions = {}) {
  const { format = "micro", intervalMs = 30_000, namespace, user } = options;
  const pod = await cluster.pod(home, options.pod);
  const lines: string[] = [];
  const registry = await kubernetesRegistry({
    kubeconfig: cluster.kubeconfig({
      namespace: home,
      ...(user === undefined ? {} : { user: { name: user } }),
    }),
    ...(namespace === undefined ? {} : { namespace }),
    format,
    intervalMs,
    env: { HOSTNAME: pod.name },
    log: createLog({ level: "warn", write: (line) => lines.push(line) }),
  });
  return { registry, pod, lines };
}

function watching(registry: Registry, service: string) {
  const stop = new AbortController();
  const snapshots = registry.watch(service, stop.signal)[Symbol.asyncIterator]();
  const watch = {
    last: [] as readonly Instance[],
    async next(): Promise<readonly Instance[]> {
      const { done, value } = await snapshots.next();
      if (done) throw new Error("the watch ended");
      watch.last = value;
      return value;
    },
    async until(reached: (all: readonly Instance[]) => boolean): Promise<void> {
      while (!reached(await watch.next()));
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await snapshots.return?.();
    },
  };
  return watch;
}

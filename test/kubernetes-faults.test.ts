/** What goes wrong between a service and its API server: nobody's calls fail for it, and each fault mends itself. */
import { afterAll, describe, expect, test } from "bun:test";
import { openCluster } from "../src/kubernetes/api/cluster.ts";
import { reflect, reflectorBounds } from "../src/kubernetes/watch/reflector.ts";
import { silentLog } from "../src/log.ts";
import { makeAuthority } from "./certificate.ts";
import type { PodOptions, TestPod } from "./cluster-objects.ts";
import { controlPlane, freePorts, ownControlPlane } from "./control-plane.ts";
import { greeter, microrun, type Running, serve, targets } from "./harness.ts";
import { openStage, podVerbs, type Stage } from "./kubernetes-stage.ts";
import type { Lines } from "./pod-process.ts";
import { tcpProxy } from "./tcp-proxy.ts";

const plane = await controlPlane();

/** How long an API server is away; shorter at a desk than where nobody waits. */
const awayMs = process.env.CI === "true" ? 60_000 : 4000;
/** Longer than the longest wait between two attempts, and what a busy machine adds. */
const mended = { withinMs: 45_000 };
/** Pods that come at once. */
const crowd = process.env.CI === "true" ? 5000 : 500;
const slow = { timeout: awayMs + 100_000 };

describe.skipIf(!plane).each([...targets])("from $name,", (target) => {
  const cluster = plane!;

  describe("a watch", () => {
    test.each(["close", "reset"] as const)("goes on after a %s", async (fault) => {
      await using proxy = await tcpProxy(cluster.port);
      const stage = await openStage(cluster);
      const watch = stage.program(
        [...target.command, "watch", "greeter", "--output=json"],
        await stage.pod(),
        { port: proxy.port },
      );
      await using _ended = watch;
      await byHand(stage, "greeter", "1");
      await watch.until(({ service }) => service?.version === "1");
      for (const version of ["2", "3", "4", "5"]) {
        proxy[fault]();
        await byHand(stage, "greeter", version);
        await watch.until(
          ({ action, service }) => action === "create" && service.version === version,
          mended,
        );
      }
      expect(proxy.open).toBeLessThan(10);
    });

    test("sees a Pod go whatever becomes of it, and come back where it recovers", async () => {
      const stage = await openStage(cluster);
      await using watch = stage.program(
        [...target.command, "watch", "greeter", "--output=json"],
        await stage.pod(),
      );
      const ends: Record<string, (pod: TestPod) => Promise<void>> = {
        deleted: (pod) => pod.delete(),
        evicted: (pod) => pod.setPhase("Failed", "Evicted"),
        "not Ready": (pod) => pod.setReady(false),
        Terminating: (pod) => pod.terminate(),
        Succeeded: (pod) => pod.setPhase("Succeeded"),
      };
      for (const [version, end] of Object.entries(ends)) {
        const pod = await byHand(stage, "greeter", version);
        await watch.until(({ action, service }) => action === "create" && service.version === version);
        await end(pod);
        await watch.until(({ action, service }) => action === "delete" && service.version === version);
        if (version !== "not Ready") continue;
        const from = watch.all.length;
        await pod.setReady(true);
        await watch.until(({ action, service }) => action === "create" && service.version === version, {
          from,
        });
      }
    });
  });

  describe("an API server that is not the right one", () => {
    test.each([
      ["its certificate is another authority's", { ca: makeAuthority().cert }, "127.0.0.1"],
      ["its certificate is for another name", {}, "127.0.0.2"],
    ] as const)("is told nothing where %s, and the service goes on", async (_why, ca, host) => {
      await using proxy = await tcpProxy(cluster.port, host);
      const stage = await openStage(cluster);
      const pod = await stage.pod();
      const account = await cluster.serviceAccount(stage.namespace, "default", ca);
      const place = cluster.asPod(account, { host, port: proxy.port, env: { HOSTNAME: pod.name } });
      const inPlace = { name: target.name, command: [...place, ...target.command] };
      const args = ["--registry=kubernetes", "--selector=p2c", "--drain_delay=0s"];
      await using service = await serve(inPlace, [greeter, ...args]);
      await service.logged(/cannot register greeter/);
      const list = await microrun(inPlace, ["services"]);
      expect(list.code).toBe(1);
      expect(list.stderr).toMatch(/certificate|altname|trust/i);
      expect((await pod.get()).metadata.annotations?.["micro.mu/service-greeter"]).toBeUndefined();
      const direct = ["call", "greeter", "Greeter.Hello", '{"name":"x"}', `--address=${service.address()}`];
      expect(await microrun(target, direct)).toMatchObject({ code: 0 });
    });
  });

  test("a kubeconfig whose certificate has expired is refused with a reason; a good one is taken", async () => {
    const stage = await openStage(cluster);
    await byHand(stage, "greeter", "1");
    const services = (path: string) =>
      microrun(target, ["services", "--registry=kubernetes", `--kubeconfig=${path}`]);
    const good = cluster.kubeconfig({ namespace: stage.namespace });
    expect(await services(good)).toMatchObject({ code: 0, stdout: "greeter\n" });
    const admin = { name: "admin", organization: "system:masters" };
    const expired = cluster.kubeconfig({ namespace: stage.namespace, user: { ...admin, days: -1 } });
    const refused = await services(expired);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(/expired|unauthori[sz]ed|not logged in/i);
  });

  test("two containers of one Pod register side by side", async () => {
    const stage = await openStage(cluster);
    const pod = await stage.pod();
    const start = (name: string) => stage.greeter(target, pod, [`--server_name=${name}`]);
    await using one = await start("one");
    await using _two = await start("two");
    await registered(pod, "one");
    await registered(pod, "two");
    one.signal("SIGTERM");
    expect(await one.exited).toBe(0);
    const { annotations } = (await pod.get()).metadata;
    expect(Object.keys(annotations)).toEqual(["micro.mu/service-two"]);
  });

  test("an annotation that is not JSON hides no other service", async () => {
    const stage = await openStage(cluster);
    for (const text of ["{", "null", "[]", '{"nodes":"x"}', '{"nodes":[null,{"address":7}]}']) {
      await stage.pod({
        labels: { "micro.mu/type": "service", "micro.mu/selector-greeter": "service" },
        annotations: { "micro.mu/service-greeter": text },
      });
    }
    await byHand(stage, "greeter", "1");
    const { stdout, code } = await stage.command(target, await stage.pod(), [
      "get",
      "greeter",
      "--output=json",
    ]);
    expect(code).toBe(0);
    expect([JSON.parse(stdout)].flat().map(({ version, nodes }) => [version, nodes.length])).toEqual([
      ["1", 1],
    ]);
  });

  describe("a name", () => {
    test("of 54 bytes is registered and found", async () => {
      const name = "a".repeat(54);
      const stage = await openStage(cluster);
      const pod = await stage.pod();
      await using service = await stage.greeter(target, pod, [`--server_name=${name}`]);
      await registered(pod, name, service.address());
    });

    test("with bytes that a label cannot have is registered under others, and found by its own", async () => {
      const name = "go.micro~greeter";
      const stage = await openStage(cluster);
      const pod = await stage.pod();
      await using service = await stage.greeter(target, pod, [`--server_name=${name}`]);
      await registered(pod, "go.micro_greeter", service.address());
      await using calls = stage.caller(target, await stage.pod(), name);
      await answered(calls);
    });

    test.each(["a".repeat(55), "greeter_", "über"])(
      "that no label can bear is refused at start: %s",
      async (name) => {
        const stage = await openStage(cluster);
        const { code, stderr } = await stage.command(target, await stage.pod(), [
          ...[greeter, "--registry=kubernetes", "--selector=p2c", "--server_address=127.0.0.1:0"],
          ...["--drain_delay=0s", `--server_name=${name}`],
        ]);
        expect(code).not.toBe(0);
        expect(stderr).toContain(name);
        expect(stderr).toContain("hint");
      },
    );
  });

  describe("a service goes on", () => {
    const cases = [
      ["the namespace does not exist", { args: ["--kubernetes_namespace=nowhere"] }, undefined],
      ["HOSTNAME is missing", { env: { HOSTNAME: "" } }, /cannot register greeter/],
      ["HOSTNAME is wrong", { env: { HOSTNAME: "greeter-0" } }, /cannot register greeter.*HOSTNAME/],
      ["it may do nothing at all", { verbs: [] }, /may not patch pods/],
    ] as const;
    test.each(cases)(
      "where %s",
      async (_why, { args = [], env = {}, verbs = podVerbs }: Case, told) => {
        const stage = await openStage(cluster);
        await stage.grant(verbs);
        await using service = await stage.greeter(target, await stage.pod(), args, { env });
        if (told) await service.logged(told);
        const direct = ["call", "greeter", "Greeter.Hello", '{"name":"x"}', `--address=${service.address()}`];
        expect(await microrun(target, direct)).toMatchObject({ code: 0 });
        service.signal("SIGTERM");
        expect(await service.exited).toBe(0);
      },
      40_000,
    );
  });
});

/** Each takes its time, and what it is about is the same in source and binary. */
describe.skipIf(!plane)("at length,", () => {
  const cluster = plane!;
  const target = targets.at(-1)!;

  describe("an API server that is away", () => {
    const owned = plane ? ownControlPlane() : undefined;
    afterAll(async () => (await owned)?.[Symbol.asyncDispose]());

    test(
      "fails no call, and what changed meanwhile is seen when it is back, though etcd has forgotten how",
      async () => {
        const own = (await owned)!;
        await own.start();
        const stage = await openStage(own);
        const [first, second, client] = [await stage.pod(), await stage.pod(), await stage.pod()];
        await using one = await stage.greeter(target, first, ["--drain_delay=1s"]);
        const [port] = await freePorts(1);
        await using calls = stage.caller(target, client, "greeter", [`--server_address=127.0.0.1:${port}`]);
        await answered(calls);
        const from = calls.all.length;

        await own.kill("kube-apiserver");
        await Bun.sleep(awayMs);
        await answered(calls);
        expect(await readiness(port)).toMatch(/registry.*last known \d+ s ago/);
        // started while it is away, so registered when it is back
        await using two = await stage.greeter(target, second);
        await own.compact();
        await own.start();
        await registered(second, "greeter", two.address(), mended.withinMs);
        while (/last known/.test(await readiness(port))) await Bun.sleep(50);

        await gone(one, first);
        await answered(calls);
        expect(failures(calls, from), calls.log()).toEqual([]);
      },
      slow,
    );

    test(
      "is outlived by a registration that was taken from the Pod meanwhile",
      async () => {
        const own = (await owned)!;
        await own.start();
        const stage = await openStage(own);
        const pod = await stage.pod();
        await using _service = await stage.greeter(target, pod, ["--register_interval=1s"]);
        await registered(pod);
        await pod.patch({ annotations: { "micro.mu/service-greeter": null } });
        await own.kill("kube-apiserver");
        await own.start();
        await registered(pod);
      },
      slow,
    );
  });

  describe("a token", () => {
    test("that was rotated is read again", async () => {
      await using proxy = await tcpProxy(cluster.port);
      const stage = await openStage(cluster);
      const [pod, client] = [await stage.pod(), await stage.pod()];
      await stage.account.rotate({ seconds: 5 });
      const old = stage.account.token();
      const options = { port: proxy.port };
      await using service = await stage.greeter(target, pod, ["--register_interval=1s"], options);
      await using calls = stage.caller(target, client, "greeter", [], options);
      await answered(calls);
      const from = calls.all.length;
      await stage.account.rotate();
      while (await isGood(old)) await Bun.sleep(200); // the API server remembers for ten seconds that it was
      proxy.reset();
      await pod.patch({ annotations: { "micro.mu/service-greeter": null } });
      await registered(pod, "greeter", service.address(), mended.withinMs);
      await using _other = await stage.greeter(target, await stage.pod(), [], options);
      await gone(service, pod);
      await answered(calls);
      expect(failures(calls, from).filter(({ error }) => error.code !== "unavailable")).toEqual([]);
    }, 60_000);

    test("that was revoked fails no call, is told once, and a good one mends it", async () => {
      await using proxy = await tcpProxy(cluster.port);
      const stage = await openStage(cluster);
      const [pod, client] = [await stage.pod(), await stage.pod()];
      const options = { port: proxy.port };
      await using service = await stage.greeter(target, pod, ["--register_interval=1s"], options);
      await using calls = stage.caller(target, client, "greeter", [], options);
      await answered(calls);
      const from = calls.all.length;
      // its tokens are bound to it; the API server remembers for ten seconds that they were good
      await cluster.request("DELETE", `/api/v1/namespaces/${stage.namespace}/serviceaccounts/default`);
      await service.logged(/cannot patch pods .*not logged in/);
      proxy.reset();
      await answered(calls);
      expect(failures(calls, from), calls.log()).toEqual([]);

      await cluster.serviceAccount(stage.namespace);
      await stage.account.rotate();
      await pod.patch({ annotations: { "micro.mu/service-greeter": null } });
      await registered(pod, "greeter", service.address(), mended.withinMs);
      expect(service.log().match(/cannot patch pods .*not logged in/g)).toHaveLength(1);
    }, 90_000);
  });

  test("a permission taken away fails no call, is told with the smallest Role, and holds again when it is given back", async () => {
    await using proxy = await tcpProxy(cluster.port);
    const stage = await openStage(cluster);
    const [pod, client] = [await stage.pod(), await stage.pod()];
    const options = { port: proxy.port };
    await using service = await stage.greeter(target, pod, ["--register_interval=1s"], options);
    await using calls = stage.caller(target, client, "greeter", [], options);
    await answered(calls);
    const from = calls.all.length;

    await stage.grant([]);
    proxy.reset();
    await service.logged(/may not patch pods in namespace/);
    await service.logged(/kind: Role\b[^"]*pods/);
    await answered(calls);
    expect(failures(calls, from), calls.log()).toEqual([]);

    await stage.grant(podVerbs);
    await pod.patch({ annotations: { "micro.mu/service-greeter": null } });
    await registered(pod, "greeter", service.address(), 60_000);
    await using _other = await stage.greeter(target, await stage.pod(), [], options);
    await gone(service, pod);
    await answered(calls, mended);
  }, 90_000);

  test("many Pods at once fail no call, and hide no new instance", async () => {
    const stage = await openStage(cluster);
    const [pod, other, client] = [await stage.pod(), await stage.pod(), await stage.pod()];
    await using service = await stage.greeter(target, pod, ["--drain_delay=1s"]);
    await using calls = stage.caller(target, client);
    await answered(calls);
    const from = calls.all.length;
    await cluster.pods(stage.namespace, crowd, (index) => annotated(`other-${index % 50}`, `${index}`));
    await using _second = await stage.greeter(target, other);
    await registered(other);
    await gone(service, pod);
    await answered(calls);
    expect(failures(calls, from), calls.log()).toEqual([]);
    await cluster.request("DELETE", `/api/v1/namespaces/${stage.namespace}/pods`, { gracePeriodSeconds: 0 });
    await calls.until(({ error }) => error?.code === "unavailable", { from: calls.all.length });
  }, 120_000);

  test("a watch that falls silent is opened again", async () => {
    await using proxy = await tcpProxy(cluster.port);
    const stage = await openStage(cluster);
    const kubeconfig = cluster.kubeconfig({ server: `https://127.0.0.1:${proxy.port}` });
    await using api = await openCluster({ kubeconfig, env: {}, log: silentLog });
    await using pods = reflect(
      {
        cluster: api,
        path: `/api/v1/namespaces/${stage.namespace}/pods`,
        prune: ({ metadata }) => metadata.name as string,
        log: silentLog,
      },
      { ...reflectorBounds, idleMs: 1500 },
    );
    await pods.synced;
    const seen = async (name: string): Promise<void> => {
      while (!pods.current.has(`${stage.namespace}/${name}`)) await Bun.sleep(20);
    };
    await seen((await stage.pod()).name);
    const opened = proxy.opened;
    proxy.silence();
    await seen((await stage.pod()).name);
    expect(proxy.opened).toBeGreaterThan(opened);
  });
});

interface Case {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly verbs?: readonly string[];
}

async function isGood(token: string): Promise<boolean> {
  const path = "/apis/authentication.k8s.io/v1/tokenreviews";
  return (await plane!.request("POST", path, { spec: { token } })).status.authenticated === true;
}

/** Five replies from now on. */
async function answered(calls: Lines, options: { withinMs?: number } = {}): Promise<void> {
  for (let at = calls.all.length, left = 5; left > 0; left--, at = calls.all.length) {
    await calls.until(({ reply }) => reply, { from: at, ...options });
  }
}

// biome-ignore lint/suspicious/noExplicitAny: lines of the caller
function failures(calls: Lines, from: number): any[] {
  return calls.all.slice(from).filter(({ reply }) => !reply);
}

async function readiness(port: number | undefined): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}/readyz?verbose`)).text();
}

/** The process and its Pod end, as in a rolling update. Where no call may fail it needs a drain delay: others learn of it by then. */
async function gone(service: Running, pod: TestPod): Promise<void> {
  service.signal("SIGTERM");
  expect(await service.exited).toBe(0);
  await pod.delete();
}

/** A Pod that was annotated by nobody of ours, and where nobody answers. */
function byHand(stage: Stage, name: string, version: string): Promise<TestPod> {
  return stage.pod(annotated(name, version));
}

function annotated(name: string, version: string): PodOptions {
  const node = { id: `${name}-${version}`, address: "127.0.0.1:1", metadata: { protocol: "grpc" } };
  return {
    labels: { "micro.mu/type": "service", [`micro.mu/selector-${name}`]: "service" },
    annotations: {
      [`micro.mu/service-${name}`]: JSON.stringify({ name, version, endpoints: [], nodes: [node] }),
    },
  };
}

/** Resolves when the Pod tells of the service (at that address). */
async function registered(pod: TestPod, name = "greeter", address = "", withinMs = 20_000): Promise<void> {
  const end = Date.now() + withinMs;
  for (;;) {
    const { annotations = {} } = (await pod.get()).metadata;
    if (annotations[`micro.mu/service-${name}`]?.includes(address)) return;
    if (Date.now() > end)
      throw new Error(`${pod.name} does not tell of ${name}: ${JSON.stringify(annotations)}`);
    await Bun.sleep(20);
  }
}

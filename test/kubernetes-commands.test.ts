/** The commands about other services against a real API server: who registers by hand, and what they say of one that fails. */
import { describe, expect, test } from "bun:test";
import { createServer, type Socket } from "node:net";
import { makeAuthority } from "./certificate.ts";
import { controlPlane, freePorts } from "./control-plane.ts";
import { microrun, type Target, targets } from "./harness.ts";
import { openStage, podVerbs } from "./kubernetes-stage.ts";
import type { AsPodOptions, ServiceAccountOptions } from "./pod-identity.ts";
import { tcpProxy } from "./tcp-proxy.ts";

const plane = await controlPlane();
const db = '{"name":"db","version":"7","nodes":[{"id":"db-1","address":"10.0.0.5:9090"}]}';

/** Takes connections, and never says a word. */
async function mute(): Promise<AsyncDisposable & { readonly port: number }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => void sockets.add(socket.on("error", () => {})));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe.skipIf(!plane).each([...targets])("from $name,", (target) => {
  const cluster = plane!;
  const inPlace = async (at: AsPodOptions, account: ServiceAccountOptions = {}): Promise<Target> => {
    const stage = await openStage(cluster);
    const own = await cluster.serviceAccount(stage.namespace, "default", account);
    const pod = await stage.pod();
    const place = cluster.asPod(own, { ...at, env: { HOSTNAME: pod.name } });
    return { name: target.name, command: [...place, ...target.command] };
  };

  test("register writes on its Pod, get finds it, deregister takes it away", async () => {
    const stage = await openStage(cluster);
    await stage.grant(podVerbs);
    const pod = await stage.pod();
    const run = (...args: string[]) => stage.command(target, pod, args);
    expect(await run("register", db)).toEqual({ code: 0, stdout: "ok\n", stderr: "" });
    expect((await pod.get()).metadata.annotations["micro.mu/service-db"]).toContain("10.0.0.5:9090");
    expect((await run("get", "db")).stdout).toContain("db-1\t10.0.0.5\t9090");
    expect((await run("deregister", db)).stdout).toBe("ok\n");
    expect((await pod.get()).metadata.annotations ?? {}).toEqual({});
  });

  test("register is not ok where the API server refuses or never answers", async () => {
    const refused = await openStage(cluster);
    await refused.grant([]);
    const denied = await refused.command(target, await refused.pod(), ["register", db]);
    expect([denied.code, denied.stdout]).toEqual([1, ""]);
    expect(denied.stderr).toContain("may not patch pods");
    await using server = await mute();
    const hanging = await microrun(await inPlace({ port: server.port }), ["register", db]);
    expect([hanging.code, hanging.stdout]).toEqual([1, ""]);
    expect(hanging.stderr).toMatch(/cannot register db on pod .* yet: no answer from https:/);
  });

  test("a name with its namespace is found by get", async () => {
    const [near, far] = [await openStage(cluster), await openStage(cluster)];
    await far.pod({
      annotations: { "micro.mu/service-db": db },
    });
    const config = cluster.kubeconfig({ namespace: near.namespace });
    const get = (name: string) =>
      microrun(target, ["get", name, "--registry=kubernetes", `--kubeconfig=${config}`, "--output=json"]);
    const found = await get(`db.${far.namespace}`);
    expect(found).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(found.stdout)).toMatchObject([{ nodes: [{ id: "db-1" }] }]);
    expect(await get("db")).toMatchObject({ code: 1, stderr: expect.stringContaining("Service not found") });
  });

  test("what cannot be read is told to who asks for that service alone", async () => {
    const stage = await openStage(cluster);
    await stage.grant(podVerbs, "endpointslices");
    await stage.pod({ annotations: { "micro.mu/service-broken": "{", "micro.mu/service-db": db } });
    const pod = await stage.pod();
    const said = async (...args: string[]) => (await stage.command(target, pod, args)).stderr;
    expect(await said("get", "db")).toBe("");
    expect(await said("services")).toBe("");
    expect(await said("get", "broken")).toContain("cannot read micro.mu/service-broken");
  });

  test("services says why it cannot list, and at once where waiting would not help", async () => {
    const [port = 0] = await freePorts(1);
    const closed = await microrun(await inPlace({ port }), ["services"]);
    expect(closed.code).toBe(1);
    expect(closed.stderr).toMatch(
      /^error: cannot list services: cannot reach https:\S+: connection refused$/m,
    );
    const stranger = await inPlace({}, { ca: makeAuthority().cert });
    const untrusted = await microrun(stranger, ["services"]);
    expect(untrusted.code).toBe(1);
    expect(untrusted.stderr).toMatch(/^error: cannot list services: .*: its certificate is not signed/m);
  });

  test("kubernetes takes one address", async () => {
    const args = ["services", "--registry=kubernetes", "--registry_address=http://a:1,http://b:2"];
    const { code, stderr } = await microrun(target, args);
    expect([code, stderr]).toEqual([2, expect.stringContaining("kubernetes takes one address")]);
  });

  test("what a service may not do is in its readiness, and in the errors of its calls", async () => {
    const stage = await openStage(cluster);
    await stage.grant([]);
    await using service = await stage.greeter(target, await stage.pod());
    await service.logged(/may not patch pods/);
    const ready = await fetch(`http://${service.address()}/readyz?verbose`);
    expect([ready.status, await ready.text()]).toEqual([
      200,
      expect.stringMatching(
        /registry ok: kubernetes, not registered on pod \S+: may not patch pods in namespace/,
      ),
    ]);
    await using calls = stage.caller(target, await stage.pod());
    const { error } = await calls.until(({ error }) => error);
    expect(JSON.stringify(error)).toContain("the kubernetes registry may not list pods in namespace");
  });

  test("a connection that died unnoticed keeps no registration on the Pod", async () => {
    await using proxy = await tcpProxy(cluster.port);
    const stage = await openStage(cluster);
    const pod = await stage.pod();
    await using service = await stage.greeter(target, pod, ["--selector=static"], { port: proxy.port });
    while (!(await pod.get()).metadata.annotations?.["micro.mu/service-greeter"]) await Bun.sleep(20);
    proxy.silence();
    service.signal("SIGTERM");
    expect(await service.exited).toBe(0);
    expect((await pod.get()).metadata.annotations ?? {}).toEqual({});
  });
});

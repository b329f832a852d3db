/** Services of ours and Go Micro v2 services with the kubernetes plugin find and call each other by a real API server. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { TestPod } from "./cluster-objects.ts";
import { controlPlane } from "./control-plane.ts";
import { greeter, serve, targets } from "./harness.ts";
import { openStage } from "./kubernetes-stage.ts";
import { peer } from "./peers.ts";
import type { Lines } from "./pod-process.ts";

const [plane, v2] = await Promise.all([controlPlane(), peer("v2")]);

/** How soon one has to see what the other did, once the API server knows it. */
const soon = { withinMs: 1000 };
/** What Go Micro's watchers need to see a Pod come (they ignore ADDED). */
const inTemplate = { "micro.mu/type": "service" };

describe.skipIf(!plane || !v2).each([...targets])("from $name,", (target) => {
  const cluster = plane!;
  const go = v2!;

  test("our service is found and called by a Go client", async () => {
    const stage = await openStage(cluster);
    const ours = await stage.pod();
    const theirs = await stage.pod();
    await using service = await stage.greeter(target, ours, [
      "--server_version=1.2.3",
      "--server_metadata=a=b",
    ]);

    await using call = stage.program([go, "call", "--registry=kubernetes", "--name=Go"], theirs);
    expect(await call.until(() => true)).toEqual({ reply: { greeting: "Hello Go!" } });
    await using services = stage.program([go, "services"], theirs);
    expect(await services.until(() => true)).toEqual({ services: ["greeter"] });
    await using get = stage.program([go, "get"], theirs);
    const { versions } = await get.until(() => true);
    const text = (name: string) => ({ name, type: "string", values: null });
    expect(versions).toMatchObject([
      {
        name: "greeter",
        version: "1.2.3",
        nodes: [{ id: /^greeter-/, address: service.address(), metadata: { a: "b", protocol: "grpc" } }].map(
          ({ id, ...node }) => ({ ...node, id: expect.stringMatching(id) }),
        ),
        endpoints: [
          {
            name: "Greeter.Hello",
            request: { name: "HelloRequest", type: "HelloRequest", values: [text("name")] },
            response: { name: "HelloResponse", type: "HelloResponse", values: [text("greeting")] },
          },
        ],
      },
    ]);
  });

  test("a Go service is found and called by ours", async () => {
    const stage = await openStage(cluster);
    const [ours, theirs] = [await stage.pod(), await stage.pod()];
    await using service = stage.program(
      [go, "serve", "--registry=kubernetes", "--address=127.0.0.1:0", "--version=7", "--metadata=a=b"],
      theirs,
    );
    await registered(theirs);
    const listening = await service.until((line) => /^listening /.test(line));

    await using calls = stage.caller(target, ours);
    expect(await calls.until(() => true)).toEqual({ reply: { greeting: "Hello ours" } });
    const { stdout } = await stage.command(target, ours, ["get", "greeter", "--output=json"]);
    expect([JSON.parse(stdout)].flat()).toMatchObject([
      {
        name: "greeter",
        version: "7",
        nodes: [{ address: listening.replace("listening ", ""), metadata: { a: "b" } }],
      },
    ]);
    const call = ["call", "greeter", "Greeter.Hello", '{"name":"John"}'];
    const called = await stage.command(target, ours, [...call, "--registry=kubernetes", "--selector=p2c"]);
    expect(called).toMatchObject({ code: 0, stdout: '{\n\t"greeting": "Hello John"\n}\n' });
  });

  test("our service is seen by a Go watcher at once as it comes, changes and goes, where the template has the label", async () => {
    const stage = await openStage(cluster);
    const ours = await stage.pod({ labels: inTemplate });
    await using watch = stage.program([go, "watch"], await stage.pod());
    await watch.until(({ watching }) => watching);

    const first = await stage.greeter(target, ours, ["--server_version=1"]);
    await registered(ours, '"version":"1"');
    const created = await watch.until(({ action }) => action === "create", soon);
    expect(created.service).toMatchObject({ version: "1", nodes: [{ address: first.address() }] });
    await first[Symbol.asyncDispose](); // killed: nothing is taken back

    await using second = await stage.greeter(target, ours, ["--server_version=2"]);
    await registered(ours, '"version":"2"');
    const updated = await watch.until(({ action }) => action === "update", soon);
    expect(updated.service).toMatchObject({ version: "2", nodes: [{ address: second.address() }] });

    second.signal("SIGTERM");
    await deregistered(ours);
    const deleted = await watch.until(({ action }) => action === "delete", soon);
    expect(deleted.service).toMatchObject({ version: "2", nodes: [{ address: second.address() }] });
    expect(await second.exited).toBe(0);
  });

  test("a Go service is seen by us at once as it comes, changes and goes, though its pod had no label before", async () => {
    const stage = await openStage(cluster);
    const theirs = await stage.pod();
    const watcher = [...target.command, "watch", "greeter", "--output=json"];
    await using watch = stage.program(watcher, await stage.pod());
    await using calls = stage.caller(target, await stage.pod());
    await calls.until(({ error }) => error?.code === "unavailable");
    const start = (version: string): Lines =>
      stage.program(
        [go, "serve", "--registry=kubernetes", "--address=127.0.0.1:0", `--version=${version}`],
        theirs,
      );

    const first = start("1");
    await registered(theirs, '"version":"1"');
    const created = await watch.until(({ action }) => action === "create", soon);
    expect(created.service).toMatchObject({ name: "greeter", version: "1" });
    await calls.until(({ reply }) => reply, soon);
    await first[Symbol.asyncDispose]();

    await using second = start("2");
    await registered(theirs, '"version":"2"');
    await watch.until(({ action, service }) => action !== "delete" && service.version === "2", soon);
    await watch.until(({ action, service }) => action === "delete" && service.version === "1", soon);
    await calls.until(({ reply }) => reply, { ...soon, from: calls.all.length });

    second.signal("SIGTERM");
    await deregistered(theirs);
    await watch.until(({ action, service }) => action === "delete" && service.version === "2", soon);
    await calls.until(({ error }) => error?.code === "unavailable", { ...soon, from: calls.all.length });
  });

  test("a Go consumer's cache survives our restarts: not one call fails", async () => {
    const stage = await openStage(cluster);
    const pods = [await stage.pod({ labels: inTemplate }), await stage.pod({ labels: inTemplate })];
    await using calls = stage.program([go, "cache-call", "--every=20ms"], await stage.pod());
    await calls.until(({ watching }) => watching);
    const start = (pod: TestPod) => stage.greeter(target, pod, ["--drain_delay=1s"]);
    const replies = async (): Promise<void> => {
      const from = calls.all.length;
      await calls.until(({ reply }) => reply, { from });
      await calls.until(() => calls.all.length >= from + 25, { from });
    };

    const running = await Promise.all(pods.map(start));
    await replies();
    const from = calls.all.findIndex(({ reply }) => reply);
    // when the second stops, the first is known by its new address alone
    for (const [index, pod] of pods.entries()) {
      running[index]!.signal("SIGTERM");
      expect(await running[index]!.exited).toBe(0);
      running[index] = await start(pod);
      await replies();
    }
    for (const service of running) await service[Symbol.asyncDispose]();
    const failed = calls.all.slice(from, from + 75).filter(({ reply }) => !reply);
    expect(failed).toEqual([]);
  });

  test("annotations written by hand in the forms of v1, v2, Kratos and its fork are found and called", async () => {
    const stage = await openStage(cluster);
    await using service = await serve(target, [greeter]);
    const port = Number(service.address().split(":")[1]);
    const micro = (name: string, node: object) => ({
      labels: { "micro.mu/type": "service", [`micro.mu/selector-${name}`]: "service" },
      annotations: {
        [`micro.mu/service-${name}`]: JSON.stringify({
          ...{ name, version: "1", metadata: null, endpoints: [] },
          nodes: [{ id: `${name}-1`, metadata: { server: "grpc", transport: "grpc" }, ...node }],
        }),
      },
    });
    const kratos = (prefix: string, name: string) => ({
      labels: { [`${prefix}-id`]: `${name}-1`, [`${prefix}-app`]: name, [`${prefix}-version`]: "v1.0.0" },
      annotations: {
        [`${prefix}-metadata`]: '{"region": "sh"}\n',
        [`${prefix}-protocols`]: `{"${port}": "grpc"}\n`,
      },
      ports: [{ port, name: "rpc" }],
    });
    const forms = {
      "by-v1": micro("by-v1", { address: "127.0.0.1", port }),
      "by-v2": micro("by-v2", { address: `127.0.0.1:${port}` }),
      "by-kratos": kratos("kratos-service", "by-kratos"),
      "go-micro.by-fork": kratos("gomicro-service", "go-micro.by-fork"),
    };
    for (const form of Object.values(forms)) await stage.pod(form);
    const ours = await stage.pod();

    const { stdout } = await stage.command(target, ours, ["services"]);
    expect(stdout.trim().split("\n").sort()).toEqual(Object.keys(forms).sort());
    for (const name of Object.keys(forms)) {
      const call = ["call", name, "greeter.Greeter.Hello", `{"name":"${name}"}`, "--registry=kubernetes"];
      const { stdout, stderr } = await stage.command(target, ours, [...call, "--selector=p2c"]);
      expect(stdout, stderr).toBe(`{\n\t"greeting": "Hello ${name}!"\n}\n`);
    }
  });

  describe.each(["k8s-micro", "devexps"] as const)("the manifests of %s", (name) => {
    test("applied as they are, give all that registering and finding need", async () => {
      const manifests = Bun.file(join(import.meta.dir, `fixtures/kubernetes/${name}.yaml`));
      await cluster.apply(await manifests.text());
      const isFork = name === "devexps";
      const [server, client] = isFork ? ["token-srv", "user-srv"] : ["go-micro-web", "go-micro-client"];
      const service = isFork ? "go-micro.token-srv" : "go-micro-web";
      const template = async (deployment: string) =>
        (await cluster.request("GET", `/apis/apps/v1/namespaces/go-micro/deployments/${deployment}`)).spec
          .template;
      const served = await template(server);
      const account = served.spec.serviceAccountName;
      const stage = await openStage(cluster, { namespace: "go-micro", account });
      const port = served.spec.containers[0].ports[0].containerPort;
      // the port is what the manifest says, the address is nobody else's
      const ip = `127.${[0, 0, 0].map(() => 1 + Math.floor(Math.random() * 254)).join(".")}`;
      const pod = await stage.pod({ template: served, ip });
      const caller = await stage.pod({ template: await template(client) });

      await using running = await stage.greeter(target, pod, [
        `--server_name=${service}`,
        `--server_address=${ip}:${port}`,
        `--registry_format=${isFork ? "gomicro" : "micro"}`,
      ]);
      await using calls = stage.caller(target, caller, service);
      expect(await calls.until(() => true)).toEqual({ reply: { greeting: "Hello ours!" } });
      const { labels } = (await pod.get()).metadata;
      expect(labels).toMatchObject(
        isFork
          ? { "gomicro-service-app": service, "gomicro-service-id": expect.any(String) }
          : { "micro.mu/type": "service", [`micro.mu/selector-${service}`]: "service" },
      );
      running.signal("SIGTERM");
      expect(await running.exited).toBe(0);
      expect(running.log()).not.toMatch(/may not \w+ pods|cannot register|still registered/);
      await pod.delete();
      await caller.delete();
    });
  });
});

/** Resolves when the API server knows that the Pod's process has registered (as that version). */
async function registered(pod: TestPod, containing = ""): Promise<void> {
  await untilAnnotation(pod, (text) => text?.includes(containing) === true);
}

async function deregistered(pod: TestPod): Promise<void> {
  await untilAnnotation(pod, (text) => text === undefined);
}

async function untilAnnotation(pod: TestPod, matches: (text: string | undefined) => boolean): Promise<void> {
  const end = Date.now() + 20_000;
  while (!matches((await pod.get()).metadata.annotations?.["micro.mu/service-greeter"])) {
    if (Date.now() > end) throw new Error(`pod ${pod.name} did not change as it should have`);
    await Bun.sleep(20);
  }
}

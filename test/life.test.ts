/** The life of a service: start, jobs, drain, signals, failures. */
import { describe, expect, test } from "bun:test";
import { connect, createServer } from "node:net";
import { folder, greeter, microrun, serve, targets } from "./harness.ts";

const slow = `export default { Greeter: {
  Hello: async ({ ms }, { log }) => { log.info("called"); await new Promise((done) => setTimeout(done, ms)); return { greeting: "late" }; },
} };`;

const post = (address: string, request: unknown): Promise<Response> =>
  fetch(`http://${address}/Greeter/Hello`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request),
  });

describe.each(targets)("$name", (target) => {
  test("a job's process ends with 0 when it returns, having had its arguments", async () => {
    using dir = folder({
      "job.ts": 'export default async ({ args, log }) => { log.info("worked", { args: args.join(" ") }); };',
    });
    const { code, stderr } = await microrun(target, ["job.ts", "--", "one", "--two"], { cwd: dir.path });
    expect(stderr).toContain("worked");
    expect(stderr).toContain("one --two");
    expect(code).toBe(0);
  });

  test("a job that throws ends with 1 and its own stack in the log", async () => {
    using dir = folder({ "job.ts": 'export default async () => { throw new Error("no luck"); };' });
    const { code, stderr } = await microrun(target, ["job.ts"], { cwd: dir.path });
    expect(stderr).toContain("no luck");
    expect(stderr).toContain("job.ts:1:");
    expect(code).toBe(1);
  });

  test("a worker is told of SIGTERM by its signal and ends with 0", async () => {
    using dir = folder({
      "worker.ts": `export default ({ signal, log }) => new Promise((done) => {
        log.info("waiting");
        const alive = setInterval(() => {}, 1000);
        signal.addEventListener("abort", () => { clearInterval(alive); log.info("told"); done(); });
      });`,
    });
    await using running = await serve(target, ["worker.ts"], { cwd: dir.path, until: /waiting/ });
    running.signal("SIGTERM");
    expect(await running.exited).toBe(0);
    expect(running.log()).toContain("told");
  });

  test("SIGTERM lets calls under way finish, refuses new connections, and runs stop last", async () => {
    using dir = folder({
      "slow.ts": `${slow}\nexport const stop = ({ log }) => { log.info("module stopped"); };`,
    });
    await using running = await serve(target, ["slow.ts"], { cwd: dir.path });
    const calls = Array.from({ length: 10 }, () => post(running.address(), { ms: 500 }));
    await running.logged(/(called[\s\S]*){10}/);
    running.signal("SIGTERM");
    const replies = await Promise.all(calls);
    expect(replies.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect(await running.exited).toBe(0);
    expect(running.log()).toMatch(/draining[\s\S]*module stopped[\s\S]*stopped/);
  });

  test("a call that outlives the drain timeout is aborted, and the process still ends with 0", async () => {
    using dir = folder({ "slow.ts": slow });
    await using running = await serve(target, ["slow.ts", "--drain_timeout=200ms"], { cwd: dir.path });
    const call = post(running.address(), { ms: 60_000 }).then(
      ({ status }) => status,
      () => 0,
    );
    await running.logged(/called/);
    running.signal("SIGTERM");
    expect([0, 503]).toContain(await call);
    expect(await running.exited).toBe(0);
  });

  test("a second signal exits at once", async () => {
    using dir = folder({ "slow.ts": slow });
    await using running = await serve(target, ["slow.ts"], { cwd: dir.path });
    const call = post(running.address(), { ms: 60_000 }).catch(() => {});
    await running.logged(/called/);
    running.signal("SIGINT");
    await running.logged(/stopping/);
    // sooner it would be taken for the same one, sent twice
    await Bun.sleep(60);
    running.signal("SIGINT");
    expect(await running.exited).toBe(130);
    await call;
  });

  test("readiness fails during the drain delay while calls are still answered", async () => {
    using dir = folder({ "slow.ts": slow });
    await using running = await serve(target, ["slow.ts", "--drain_delay=1s"], { cwd: dir.path });
    const at = running.address();
    expect((await fetch(`http://${at}/readyz`)).status).toBe(200);
    running.signal("SIGTERM");
    await running.logged(/draining/);
    expect((await fetch(`http://${at}/readyz`)).status).toBe(503);
    expect((await fetch(`http://${at}/livez`)).status).toBe(200);
    expect((await post(at, { ms: 0 })).status).toBe(200);
    expect(await running.exited).toBe(0);
  });

  test("a start that never settles is given up after --start_timeout, and what was started is undone", async () => {
    using dir = folder({
      "never.ts":
        "export default { Greeter: { Hello: () => ({}) } };\nexport const start = () => new Promise(() => {});",
    });
    const { code, stderr } = await microrun(
      target,
      ["never.ts", "--start_timeout=200ms", "--server_address=127.0.0.1:0"],
      { cwd: dir.path },
    );
    expect(stderr).toContain("start of the module: not done after 200 ms");
    expect(code).toBe(1);
  });

  test("a start that throws ends the process with 1 and the reason", async () => {
    using dir = folder({
      "bad.ts":
        'export default { Greeter: { Hello: () => ({}) } };\nexport const start = () => { throw new Error("no database"); };',
    });
    const { code, stderr } = await microrun(target, ["bad.ts", "--server_address=127.0.0.1:0"], {
      cwd: dir.path,
    });
    expect(stderr).toContain("no database");
    expect(code).toBe(1);
  });

  test("an error that nobody caught drains the service and ends it with 1", async () => {
    using dir = folder({
      "bad.ts":
        'export default { Greeter: { Hello: () => { setTimeout(() => { throw new Error("stray"); }, 1); return {}; } } };',
    });
    await using running = await serve(target, ["bad.ts"], { cwd: dir.path });
    await post(running.address(), {});
    expect(await running.exited).toBe(1);
    expect(running.log()).toContain("stray");
    expect(running.log()).toContain("draining");
  });

  test("a port that is taken and was asked for is an error", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    const { port } = taken.address() as { port: number };
    const { code, stderr } = await microrun(target, [greeter, `--server_address=127.0.0.1:${port}`]);
    taken.close();
    expect(stderr).toContain(`error: cannot listen on 127.0.0.1:${port}: the address is in use`);
    expect(stderr).toContain("hint: ");
    expect(code).toBe(1);
  });

  test("a health port of its own answers probes while the service's port is elsewhere", async () => {
    await using running = await serve(target, [greeter, "--health_address=127.0.0.1:0"]);
    expect(await (await fetch(`http://${running.address("health")}/health`)).text()).toBe("OK");
    expect(
      (
        await fetch(`http://${running.address("health")}/greeter.Greeter/Hello`, {
          method: "POST",
          body: "{}",
        })
      ).status,
    ).toBe(404);
  });

  test("HTTP and gRPC have ports of their own where asked", async () => {
    await using running = await serve(target, [greeter, "--http_address=127.0.0.1:0"]);
    expect(running.address("http")).not.toBe(running.address("grpc"));
    expect((await fetch(`http://${running.address("http")}/readyz`)).status).toBe(200);
  });

  test("log lines are JSON where asked, and hold Go Micro's own words", async () => {
    await using running = await serve(target, [greeter, "--log_format=json"], { until: /Registering node/ });
    const messages = running
      .log()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).message);
    expect(messages).toContain("Starting [service] greeter");
    expect(messages.some((message) => /^Server \[grpc\] Listening on 127\.0\.0\.1:\d+$/.test(message))).toBe(
      true,
    );
  });

  test("a connection that says nothing does not hold up the drain", async () => {
    await using running = await serve(target, [greeter]);
    const [host, port] = running.address().split(":");
    const idle = connect(Number(port), host);
    await new Promise((done) => idle.once("connect", done));
    const began = Date.now();
    running.signal("SIGTERM");
    expect(await running.exited).toBe(0);
    expect(Date.now() - began).toBeLessThan(9000);
    idle.destroy();
  });
});

/** A service on all cores: several processes on one port, found, stopped and replaced as one. */
import { afterAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { usableCores } from "../src/workers/cpu-limit.ts";
import { reportMs } from "../src/workers/workers.ts";
import { folder, microrun, type Running, serve, targets } from "./harness.ts";

const modules = folder({
  "pids.ts": `export default { Pids: { Own: async ({ ms = 0 }, { log }) => {
    if (ms > 0) log.info("called");
    await new Promise((done) => setTimeout(done, ms));
    return { pid: process.pid };
  }, Throw: () => { setTimeout(() => { throw new Error("nobody catches this"); }); return {}; } } };
  export const stop = ({ log }) => { log.info("module stopped"); };`,
  "broken.ts": `throw new Error("broken on purpose");`,
  "job.ts": "export default () => {};",
  "web.ts": `export default { fetch: () => new Response(String(process.pid)) };`,
  "talker.ts": `export default { fetch: (_, { log }) => {
    for (let i = 0; i < 1000; i++) log.info("x".repeat(2000));
    return new Response();
  } };`,
  "subscriber.ts": `export default { S: { Ask: () => ({}) } }; export const subscribe = { topic: () => {} };`,
});
afterAll(() => modules[Symbol.dispose]());
const pids = join(modules.path, "pids.ts");

/** Each on a connection of its own, which the system gives to one of the workers. */
async function call(address: string, request: object = {}, method = "Own"): Promise<number> {
  const response = await fetch(`http://${address}/Pids/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json", connection: "close" },
    body: JSON.stringify(request),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return ((await response.json()) as { pid: number }).pid;
}

/** How many calls are made before two workers must have answered: that one gets them all has a chance of 2^-63. */
const manyCalls = 64;

async function workersOf(
  address: string,
  ask: (address: string) => Promise<number> = call,
): Promise<number[]> {
  const answers = await Promise.all(Array.from({ length: manyCalls }, () => ask(address)));
  return [...new Set(answers)].sort((a, b) => a - b);
}

const alive = (pid: number): boolean => {
  try {
    // a dead child that is not yet reaped can still be signalled
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
};

/** Fails by the test's own timeout. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await Bun.sleep(20);
}

const callsOf = (running: Running): number => running.log().split('"called"').length - 1;

const statusOf = (address: string, path: string): Promise<number> =>
  fetch(`http://${address}${path}`, { headers: { connection: "close" } }).then(({ status }) => status);

describe.each(targets)("$name", (target) => {
  const start = (
    args: readonly string[] = [],
    options: { env?: Record<string, string> } = {},
  ): Promise<Running> => serve(target, [pids, "--workers=2", ...args], options);

  test("calls reach several processes on one port, none of them the parent", async () => {
    await using running = await start();
    const found = await workersOf(running.address());
    expect(found).toHaveLength(2);
    expect(found).not.toContain(running.pid);
    await running.logged(/"?worker"?[=:]1/);
    await running.logged(/"?worker"?[=:]2/);
    expect(`${running.log()}${running.stdout()}`.match(/is ready/g)).toHaveLength(1);
  });

  test("HTTP and health on ports of their own are shared, too", async () => {
    const web = join(modules.path, "web.ts");
    const ports = ["--http_address=127.0.0.1:0", "--health_address=127.0.0.1:0"];
    await using running = await serve(target, [web, "--workers=2", ...ports]);
    const ask = async (address: string): Promise<number> =>
      Number(await (await fetch(`http://${address}/`, { headers: { connection: "close" } })).text());
    expect(await workersOf(running.address("http"), ask)).toHaveLength(2);
    expect(await statusOf(running.address("health"), "/readyz")).toBe(200);
    const listening = running.log().match(/\[health\] Listening on [\d.]+:\d+/g) ?? [];
    expect([listening.length, new Set(listening).size]).toEqual([2, 1]);
  });

  test("grpc-js shares its port as well", async () => {
    await using running = await start(["--transport=grpc-js"]);
    expect(await workersOf(running.address())).toHaveLength(2);
  });

  test("it is registered once, by an id that outlives any worker", async () => {
    using own = folder();
    const env = { XDG_RUNTIME_DIR: own.path };
    await using running = await start([], { env });
    const node = async (): Promise<string | undefined> => {
      const { stdout } = await microrun(target, ["get", "service", "pids"], { env });
      const nodes = stdout.match(/pids-[0-9a-f-]{36}/g) ?? [];
      expect(nodes).toHaveLength(1);
      expect(stdout).toContain(running.address().split(":")[1]!);
      return nodes[0];
    };
    const before = await node();
    const [first, second] = await workersOf(running.address());
    for (const pid of [first!, second!]) {
      process.kill(pid, "SIGKILL");
      expect(await node()).toBe(before);
    }
    await until(async () => (await workersOf(running.address()).catch(() => [])).length === 2);
    expect(await node()).toBe(before);
    running.signal("SIGTERM");
    expect(await running.exited).toBe(0);
    expect(readdirSync(join(own.path, "microrun"))).toEqual([]);
    expect(running.log().match(/Registering node/g)).toHaveLength(1);
  });

  test("a worker killed under load is replaced; no call is lost that begins once its death is known", async () => {
    await using running = await start();
    const [victim] = await workersOf(running.address());
    const callers = 8;
    const seen = new Set<number>();
    let made = 0;
    let known = false;
    let stop = false;
    /** Each lost call, true if it began when the death was known: for some ms the system still gives connections to a dying process. */
    const lost: boolean[] = [];
    const load = Array.from({ length: callers }, async () => {
      while (!stop) {
        made++;
        const late = known;
        await call(running.address(), { ms: 1 }).then(
          (pid) => seen.add(pid),
          () => lost.push(late),
        );
      }
    });
    await until(() => made > 100);
    process.kill(victim!, "SIGKILL");
    await running.logged(/another takes its place/);
    known = true;
    await until(() => seen.size === 3);
    stop = true;
    await Promise.all(load);
    expect(lost).not.toContain(true);
    expect(lost.length).toBeLessThan(made / 2);
    expect(await workersOf(running.address())).not.toContain(victim);
  });

  test("an error that nobody catches ends its worker, which is replaced", async () => {
    await using running = await start();
    await call(running.address(), {}, "Throw");
    await running.logged(/another takes its place/);
    await running.logged(/nobody catches this/);
    await until(async () => (await workersOf(running.address())).length === 2);
  });

  test("SIGTERM finishes the calls of all workers, and stop runs in each", async () => {
    await using running = await start();
    const calls = Array.from({ length: 32 }, () => call(running.address(), { ms: 700 }));
    await until(() => callsOf(running) === 32);
    running.signal("SIGTERM");
    expect(new Set(await Promise.all(calls)).size).toBe(2);
    expect(await running.exited).toBe(0);
    expect(running.log().match(/module stopped/g)).toHaveLength(2);
  });

  test("during the drain delay no worker is ready, and calls are answered", async () => {
    await using running = await start(["--drain_delay=1s"]);
    const at = running.address();
    const probes = (): Promise<number[]> =>
      Promise.all(Array.from({ length: 16 }, () => statusOf(at, "/readyz")));
    await until(async () => !(await probes()).includes(503));
    running.signal("SIGTERM");
    await running.logged(/(draining[\s\S]*){2}/);
    expect(new Set(await probes())).toEqual(new Set([503]));
    expect(await statusOf(at, "/livez")).toBe(200);
    expect(await workersOf(at)).toHaveLength(2);
    expect(await running.exited).toBe(0);
  });

  test("Ctrl-C, which a terminal sends to every process, is one signal", async () => {
    await using running = await start();
    const workers = await workersOf(running.address());
    const calls = Array.from({ length: 16 }, () => call(running.address(), { ms: 500 }));
    await until(() => callsOf(running) === 16);
    for (const pid of workers) process.kill(pid, "SIGINT");
    running.signal("SIGINT");
    for (const pid of workers) process.kill(pid, "SIGINT");
    await Promise.all(calls);
    expect(await running.exited).toBe(0);
  });

  test("a second signal ends all at once", async () => {
    await using running = await start();
    const workers = await workersOf(running.address());
    const late = call(running.address(), { ms: 60_000 }).catch(() => {});
    await running.logged(/called/);
    running.signal("SIGTERM");
    await running.logged(/stopping/);
    // sooner it would be taken for the same one, sent twice
    await Bun.sleep(60);
    running.signal("SIGTERM");
    expect(await running.exited).toBe(143);
    await until(() => !workers.some(alive));
    await late;
  });

  test("workers end with their parent, however it ended, and finish their calls", async () => {
    await using running = await start();
    const workers = await workersOf(running.address());
    const calls = Array.from({ length: 16 }, () => call(running.address(), { ms: 500 }));
    await until(() => callsOf(running) === 16);
    running.signal("SIGKILL");
    await Promise.all(calls);
    await until(() => !workers.some(alive));
  });

  test("Debug.Stats counts the calls of all workers", async () => {
    await using running = await start();
    const address = running.address();
    await workersOf(address);
    const requests = async (): Promise<number> => {
      const response = await fetch(`http://${address}/debug.Debug/Stats`, {
        method: "POST",
        headers: { "content-type": "application/json", connection: "close" },
        body: "{}",
      });
      return Number(((await response.json()) as { requests: string }).requests);
    };
    // what asks is counted, too: few ask, so that one worker's own calls cannot be as many
    let found = 0;
    for (let polls = 0; polls < 16 && found < manyCalls; polls++) {
      await Bun.sleep(reportMs / 4);
      found = await requests();
    }
    expect(found).toBeGreaterThanOrEqual(manyCalls);
  });

  test("what cannot start ends the whole with its error, told once, and its exit code", async () => {
    const broken = await microrun(target, [join(modules.path, "broken.ts"), "--workers=4"]);
    expect(broken.code).toBe(1);
    expect(broken.stderr.match(/error: .*broken on purpose/g)).toHaveLength(1);
    const job = await microrun(target, [join(modules.path, "job.ts"), "--workers=2"]);
    expect(job.code).toBe(2);
    expect(job.stderr).toContain("error: --workers=2: the module's default export is a function");
    const events = [
      join(modules.path, "subscriber.ts"),
      "--workers=2",
      "--broker=http",
      "--broker_address=127.0.0.1:7",
    ];
    const http = await microrun(target, events);
    expect([http.code, http.stderr]).toEqual([
      2,
      expect.stringContaining("cannot take events on 127.0.0.1:7"),
    ]);
    const socket = await microrun(target, [pids, "--workers=2", `--server_address=unix:${modules.path}/s`]);
    expect(socket.code).toBe(2);
    expect(socket.stderr).toContain("cannot be shared");
  });

  test("a taken port is refused, also to another with workers", async () => {
    const taken = createServer();
    await new Promise<void>((done) => taken.listen(0, "127.0.0.1", done));
    const { port } = taken.address() as { port: number };
    const refused = await microrun(target, [pids, "--workers=2", `--server_address=127.0.0.1:${port}`]);
    taken.close();
    expect([refused.code, refused.stderr.match(/the address is in use/g)?.length]).toEqual([1, 1]);
    await using running = await start();
    const again = await microrun(target, [pids, "--workers=2", `--server_address=${running.address()}`]);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain("the address is in use");
  });

  test("auto starts as many as there are usable cores", async () => {
    await using running = await serve(target, [pids], { env: { MICRO_WORKERS: "auto" } });
    const cores = usableCores();
    expect(running.log().includes(`Starting ${cores} workers`)).toBe(cores > 1);
  });

  test("a broker that each worker has for itself is warned of once", async () => {
    const memory = [join(modules.path, "subscriber.ts"), "--workers=2", "--broker=memory"];
    await using running = await serve(target, memory);
    expect(running.log().match(/--broker=memory: each worker has its own/g)).toHaveLength(1);
  });

  test("lines of the log stay whole, however many are written at a time", async () => {
    await using running = await serve(target, [join(modules.path, "talker.ts"), "--workers=2"]);
    const talk = (): Promise<Response> =>
      fetch(`http://${running.address()}/`, { headers: { connection: "close" } });
    await Promise.all(Array.from({ length: 16 }, talk));
    const said = (): string[] =>
      running
        .log()
        .split("\n")
        .filter((line) => line.includes("x"));
    await until(() => running.log().endsWith("\n") && said().length >= 16_000);
    const workers = said().map((line) => (JSON.parse(line) as { worker: number }).worker);
    expect([workers.length, new Set(workers).size]).toEqual([16_000, 2]);
  });

  test("watch and a wrong number are refused", async () => {
    const watch = await microrun(target, [pids, "--workers=2", "--watch"]);
    expect([watch.code, watch.stderr]).toEqual([2, expect.stringContaining("--watch: restarts one process")]);
    for (const wrong of ["0", "two", "1.5", "2000"])
      expect((await microrun(target, [pids, `--workers=${wrong}`])).code).toBe(2);
  });
});

/** `microrun dev`: several services in one terminal, found by each other alone, started anew when they change, and never left behind. */
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { folder, microrun, type Running, serve, type Target, targets } from "./harness.ts";
import { peer } from "./peers.ts";

const v5 = await peer("v5");

const user = `export default { User: {
  Get: async ({ name }, { broker }) => {
    await broker.publish("user.asked", { name });
    return { greeting: "hello " + name };
  },
  Pid: () => ({ pid: process.pid }),
} };`;
const shop = `export default { Shop: {
  Buy: async ({ name }, { client }) => client.call("user", "User.Get", { name }),
} };`;
const mail = `export const subscribe = { "user.asked": (message) => console.log("mail to " + JSON.stringify(message)) };
export default { Mail: { Ping: () => ({}) } };`;
const pids = "export default { Pids: { Own: () => ({ pid: process.pid }) } };";

/** A folder of its own with these files. */
function project(files: Readonly<Record<string, string>>) {
  const made = folder();
  const write = (file: string, text: string): void => {
    mkdirSync(dirname(join(made.path, file)), { recursive: true });
    writeFileSync(join(made.path, file), text);
  };
  for (const [file, text] of Object.entries(files)) write(file, text);
  return { ...made, write, [Symbol.dispose]: made[Symbol.dispose] };
}

const dev = (target: Target, cwd: string, args: readonly string[] = [], options = {}): Promise<Running> =>
  serve(target, ["dev", "--no-dashboard", ...args], {
    cwd,
    ownAddress: false,
    until: /\| .{0,4}ready: /,
    ...options,
  });

const addressOf = (running: Running, label: string): string => {
  const row = new RegExp(`^${label} .*?(127\\.0\\.0\\.1:\\d+)`, "m").exec(running.stdout());
  return row?.[1] ?? "";
};

const registryOf = (running: Running): string => /--registry_address=(\S+)/.exec(running.stdout())?.[1] ?? "";

interface Reply {
  readonly pid?: number;
  readonly greeting?: string;
}

async function call(running: Running, label: string, method: string, request: object = {}): Promise<Reply> {
  const response = await fetch(`http://${addressOf(running, label)}/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json", connection: "close" },
    body: JSON.stringify(request),
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return (await response.json()) as Reply;
}

/** Fails by the test's own timeout. */
async function until<T>(holds: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (;;) {
    const held = await Promise.resolve()
      .then(holds)
      .catch(() => undefined);
    if (held) return held;
    await Bun.sleep(20);
  }
}

const alive = (pid: number): boolean => {
  try {
    // a dead child that is not yet reaped can still be signalled
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
};

const said = (running: Running): string => running.stdout() + running.log();
const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;

async function stop(running: Running, signal: NodeJS.Signals = "SIGINT"): Promise<number> {
  running.signal(signal);
  return running.exited;
}

describe.each(targets)("$name", (target) => {
  test("the modules of a folder find each other, hear each other's events, and nobody else sees them", async () => {
    using made = project({
      ...{ "user.ts": user, "shop.ts": shop, "mail/main.ts": mail },
      ...{ "lib.ts": "export const x = 1;", "job.ts": "export default () => {};" },
    });
    await using running = await dev(target, made.path);
    await running.logged(/left out: \.\/lib\.ts \(nothing to serve is exported\)/);
    await running.logged(/left out: \.\/job\.ts \(a job/);
    expect(await call(running, "shop", "Shop/Buy", { name: "Ann" })).toEqual({ greeting: "hello Ann" });
    await running.logged(/^mail {5}\| mail to .*Ann/m);
    const elsewhere = await microrun(target, ["services"]);
    expect(elsewhere.stdout).not.toContain("shop");
    const within = await microrun(target, ["services", `--registry_address=${registryOf(running)}`]);
    expect(within.stdout.split("\n")).toEqual(expect.arrayContaining(["mail", "shop", "user"]));
    expect(await stop(running)).toBe(0);
    expect(existsSync(registryOf(running))).toBe(false);
  });

  test("every line has the name of who wrote it before it, tinted only where colours are wanted", async () => {
    using made = project({ "user.ts": user });
    await using plain = await dev(target, made.path);
    expect(await stop(plain)).toBe(0);
    for (const line of plain.log().trimEnd().split("\n")) expect(line).toMatch(/^user {5}\| /);
    expect(said(plain)).not.toContain("\x1b");
    await using tinted = await dev(target, made.path, [], { env: { NO_COLOR: "", FORCE_COLOR: "1" } });
    const lines = tinted.log().trimEnd().split("\n");
    for (const line of lines) expect(line).toStartWith("\x1b[0m\x1b[33muser     | \x1b[0m\x1b[90m");
    expect(await stop(tinted)).toBe(0);
  });

  test("a change restarts the one that it concerns, and what comes or goes is started or stopped", async () => {
    using made = project({ "user.ts": user, "mail/main.ts": mail });
    await using running = await dev(target, made.path);
    const { pid } = await call(running, "user", "User/Pid");
    made.write("user.ts", user.replace("hello ", "good day "));
    const changed = await until(async () => {
      const reply = await call(running, "user", "User/Get", { name: "Ann" });
      return reply.greeting === "good day Ann" && reply;
    });
    expect(changed).toEqual({ greeting: "good day Ann" });
    expect((await call(running, "user", "User/Pid")).pid).toBe(pid);
    expect(count(running.log(), /Starting \[service\] mail/g)).toBe(1);
    made.write("pids.ts", pids);
    await running.logged(/ready: .*pids/);
    const { pid: gone } = await fetch(/http:\S+Pids\/Own/.exec(running.stdout())![0], {
      method: "POST",
      headers: { "content-type": "application/json", connection: "close" },
      body: "{}",
    }).then((response) => response.json() as Promise<Reply>);
    unlinkSync(join(made.path, "pids.ts"));
    await until(() => !alive(gone!));
    made.write("user.ts", "export defau");
    await running.logged(/user +\| waiting for a change/);
    made.write("user.ts", user);
    await until(() => call(running, "user", "User/Pid"));
    expect(await stop(running)).toBe(0);
  });

  test("each starts after what it depends on, and stops before it", async () => {
    using made = project({
      "a.ts": `export const start = () => new Promise((done) => setTimeout(done, 300)); ${pids}`,
      "b.ts": pids,
      "microrun.yaml":
        "services:\n  b: { module: b.ts, dependsOn: a, replicas: 2 }\n  a: { module: a.ts, env: { X: 1 } }\n",
    });
    await using running = await dev(target, made.path);
    const log = (): string => running.log();
    expect(log().search(/^b#\d +\| .*Starting/m)).toBeGreaterThan(log().search(/^a +\| .*Registering/m));
    const ports = [addressOf(running, "b#1"), addressOf(running, "b#2")];
    expect(new Set(ports).size).toBe(2);
    expect(await stop(running, "SIGTERM")).toBe(0);
    expect(log().search(/^a +\| .*stopping: SIGTERM/m)).toBeGreaterThan(
      Math.max(log().search(/^b#1 +\| .*stopped/m), log().search(/^b#2 +\| .*stopped/m)),
    );
  });

  test("what crashes is started again, later each time, or at a change", async () => {
    using made = project({
      "microrun.yaml": `services:
  user: { module: user.ts }
  crash: { command: "echo crashed; exit 3" }
  once: { command: "cat word", watch: [word] }
`,
      ...{ "user.ts": pids, word: "first\n" },
    });
    await using running = await dev(target, made.path);
    await running.logged(/crash ended with code 3: it starts again in 200 ms\n/);
    await running.logged(/crash ended with code 3: it starts again in 400 ms\n/);
    expect(count(running.stdout(), /^crash +\| crashed/gm)).toBeGreaterThanOrEqual(2);
    await running.logged(/once has ended: waiting for a change/);
    made.write("word", "second\n");
    await running.logged(/once restarts|once +\| second/);
    await running.logged(/^once +\| second/m);

    const { pid } = await call(running, "user", "Pids/Own");
    process.kill(pid!, "SIGKILL");
    await running.logged(/user ended with code 137: it starts again in 200 ms, or at the next change/);
    const again = await until(() => call(running, "user", "Pids/Own"));
    expect(again.pid).not.toBe(pid);
    expect(await stop(running)).toBe(0);
  });

  test("an edit of microrun.yaml touches only what it changes; a faulty one touches nothing", async () => {
    const services = (more: string): string => `services:\n  user: { module: pids.ts }\n${more}`;
    using made = project({
      "microrun.yaml": services("  mail: { module: pids.ts }\n"),
      "pids.ts": pids,
    });
    await using running = await dev(target, made.path);
    const before = await call(running, "user", "Pids/Own");
    const mailBefore = await call(running, "mail", "Pids/Own");
    made.write("microrun.yaml", services("  mail: { modul: pids.ts }\n"));
    await running.logged(/all goes on as before: microrun.yaml line 3, column 11: unknown key modul/);
    expect(await call(running, "mail", "Pids/Own")).toEqual(mailBefore);
    made.write(
      "microrun.yaml",
      services("  mail: { module: pids.ts, env: { A: b } }\n  new: { module: pids.ts }\n"),
    );
    await running.logged(/ready: .*new/);
    expect((await call(running, "mail", "Pids/Own")).pid).not.toBe(mailBefore.pid);
    made.write("microrun.yaml", services(""));
    await running.logged(/^new +\| .*stopped/m);
    expect(await call(running, "user", "Pids/Own")).toEqual(before);
    expect(await stop(running)).toBe(0);
  });

  test("nothing outlives it, however it ends", async () => {
    using made = project({
      "microrun.yaml": `services:
  user: { module: user.ts }
  shell: { command: "sleep 1000 & echo child $!; wait" }
`,
      "user.ts": pids,
    });
    await using running = await dev(target, made.path);
    const { pid } = await call(running, "user", "Pids/Own");
    await running.logged(/child \d+/);
    const sleeper = Number(/child (\d+)/.exec(running.stdout())![1]);
    const place = registryOf(running);
    expect([alive(pid!), alive(sleeper), existsSync(place)]).toEqual([true, true, true]);
    running.signal("SIGKILL");
    await until(() => !alive(pid!) && !alive(sleeper) && !existsSync(place));
  });

  test("a stop reaches what a shell has started, and a second one does not wait", async () => {
    using made = project({
      "microrun.yaml": `services:
  shell: { command: "sleep 1000 & echo child $!; wait" }
  deaf: { command: "trap '' TERM; echo deaf $$; while :; do sleep 0.1; done" }
`,
    });
    await using running = await dev(target, made.path);
    await running.logged(/child \d+/);
    await running.logged(/deaf \d+/);
    const sleeper = Number(/child (\d+)/.exec(running.stdout())![1]);
    const deaf = Number(/deaf (\d+)\n/.exec(running.stdout())![1]);
    running.signal("SIGINT");
    await until(() => !alive(sleeper));
    expect(alive(deaf)).toBe(true);
    running.signal("SIGINT");
    expect(await running.exited).toBe(130);
    expect(alive(deaf)).toBe(false);
  });

  test("ports follow each other from a base on, some services are left out, and what they need is not", async () => {
    const taken = createServer();
    await new Promise<void>((done) => taken.listen(0, "127.0.0.1", done));
    const { port } = taken.address() as { port: number };
    using made = project({
      "a.ts": pids,
      "microrun.yaml": `services:
  a: { module: a.ts }
  b: { module: a.ts, dependsOn: a }
  c: { module: a.ts, port: ${port} }
`,
    });
    const busy = await microrun(target, ["dev", made.path]);
    expect([busy.code, busy.stderr]).toEqual([1, expect.stringContaining(`port ${port} of c: in use`)]);
    await using running = await dev(target, made.path, ["--only=b", `--port_base=${port}`]);
    taken.close();
    const ports = ["a", "b"].map((label) => Number(addressOf(running, label).split(":")[1]));
    expect(ports[0]).toBeGreaterThan(port);
    expect(ports[1]).toBeGreaterThan(ports[0]!);
    expect(running.stdout()).not.toMatch(/^c /m);
    expect(await stop(running)).toBe(0);
  });

  test("what cannot be run is refused before anything starts", async () => {
    const refusals: readonly (readonly [files: Record<string, string>, args: string[], message: string])[] = [
      [
        { "lib.ts": "export const x = 1;" },
        [],
        "dev: no services in . (./lib.ts: nothing to serve is exported)",
      ],
      [
        { "microrun.yaml": "services:\n  a: b\n" },
        [],
        "microrun.yaml line 2, column 6: services.a: not a map",
      ],
      [
        {
          "microrun.yaml":
            "services:\n  a: { command: x, dependsOn: b }\n  b: { command: x, dependsOn: a }\n",
        },
        [],
        "services depend on each other: a → b → a",
      ],
      [{ "a.ts": pids }, ["--only=b"], "--only=b: no such service"],
      [{ "a.ts": pids }, ["none"], "dev: no such file or folder: none"],
      [{ "a.ts": pids }, ["a.ts"], "dev: a.ts is neither a folder nor YAML"],
      [{ "a.ts": pids }, ["--registry=kubernetes"], "--registry=kubernetes: not known"],
    ];
    for (const [files, args, message] of refusals) {
      using made = project(files);
      const { code, stderr, stdout } = await microrun(target, ["dev", ...args], { cwd: made.path });
      expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(message)]);
    }
  });

  test("the dashboard shows the services of this run, where it is wanted", async () => {
    using made = project({ "user.ts": user });
    await using running = await dev(target, made.path, ["--dashboard", "--dashboard_address=127.0.0.1:0"]);
    const url = /^dashboard: (\S+)$/m.exec(running.stdout())![1]!;
    const page = await until(async () => {
      const text = await (await fetch(url)).text();
      return text.includes("user") && text;
    });
    expect(page).toContain("<title>");
    expect(await stop(running)).toBe(0);
    await using without = await dev(target, made.path);
    expect(without.stdout()).not.toContain("dashboard");
    expect(await stop(without)).toBe(0);
  });

  test.skipIf(v5 === undefined)("a Go service is told its port, and found by its name", async () => {
    using made = project({
      "shop.ts": `export default { Shop: { Greet: ({ name }, { client }) => client.call("greeter", "Greeter.Hello", { name }) } };`,
      "microrun.yaml": `services:
  shop: { module: shop.ts, dependsOn: greeter }
  greeter: { command: exec ${v5} serve --address $MICRO_SERVER_ADDRESS --name $MICRO_SERVER_NAME, port: 0 }
`,
    });
    await using running = await dev(target, made.path);
    expect(await call(running, "shop", "Shop/Greet", { name: "Go" })).toEqual({ greeting: "Hello Go" });
    expect(await stop(running)).toBe(0);
    expect(running.stdout()).toMatch(/^greeter +\| listening 127/m);
  });
});

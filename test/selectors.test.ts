/** Instances of a service on one machine, found by the local registry: how calls spread over them, and what befalls calls when one goes. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { folder, microrun, type Running, serve, targets } from "./harness.ts";

setDefaultTimeout(60_000);

/** Says which instance answers, after a moment in which others come in. */
const who = `
export default {
  Who: {
    Am: async () => {
      await new Promise((resolve) => setTimeout(resolve, 3));
      return { pid: process.pid };
    },
  },
};
`;

/** Calls without end, four at a time, and tells every 50 calls what came of them. */
const caller = `
export default async ({ client, signal }) => {
  const told = { calls: 0, seen: {}, failed: [] };
  const options = JSON.parse(process.env.CALL_OPTIONS ?? "{}");
  const work = async () => {
    while (!signal.aborted) {
      try {
        const { pid } = await client.call("who", "Who.Am", {}, options);
        told.seen[pid] = (told.seen[pid] ?? 0) + 1;
      } catch (error) {
        if (!signal.aborted) told.failed.push(error.code + ": " + error.message);
      }
      if (++told.calls % 50 === 0) console.log(JSON.stringify(told));
    }
  };
  await Promise.all([work(), work(), work(), work()]);
};
`;

/** Makes 10 calls for each set of options that it is given, and ends. */
const asker = `
export default async ({ client }) => {
  const told = [];
  for (const options of JSON.parse(process.env.CALL_OPTIONS)) {
    const seen = new Set();
    try {
      for (let calls = 0; calls < 10; calls++)
        seen.add((await client.call("who", "Who.Am", {}, options)).pid);
      told.push([...seen]);
    } catch (error) {
      told.push(error.code + ": " + error.message);
    }
  }
  console.log("told " + JSON.stringify(told));
};
`;

interface Told {
  readonly calls: number;
  readonly seen: Readonly<Record<string, number>>;
  readonly failed: readonly string[];
}

describe.each(targets)("$name", (target) => {
  /** A registry of the test's own, with a way to start instances in it. */
  function world() {
    const files = folder({ "who.ts": who, "caller.ts": caller, "asker.ts": asker });
    const env = { XDG_RUNTIME_DIR: files.path, MICRO_REGISTRY: "local" };
    const started = new AsyncDisposableStack();
    return {
      path: (name: string) => join(files.path, name),
      env,
      instance: async (...args: string[]): Promise<Running> =>
        started.use(await serve(target, [join(files.path, "who.ts"), ...args], { env })),
      calling: async (options: object, ...args: string[]): Promise<Running> => {
        const more = { ...env, CALL_OPTIONS: JSON.stringify(options) };
        const how = { env: more, ownAddress: false, until: /"calls":50,/ };
        return started.use(await serve(target, [join(files.path, "caller.ts"), ...args], how));
      },
      async ask(options: readonly object[], ...args: string[]): Promise<unknown[]> {
        const more = { ...env, CALL_OPTIONS: JSON.stringify(options) };
        const { stdout, stderr } = await microrun(target, [join(files.path, "asker.ts"), ...args], {
          env: more,
        });
        const text = /told (.*)/.exec(stdout)?.[1];
        if (text === undefined) throw new Error(`it told nothing:\n${stdout}${stderr}`);
        return JSON.parse(text);
      },
      async [Symbol.asyncDispose]() {
        await started.disposeAsync();
        files[Symbol.dispose]();
      },
    };
  }

  /** What the caller told last. */
  const last = (running: Running): Told =>
    JSON.parse(
      running
        .stdout()
        .trim()
        .split("\n")
        .filter((line) => line.startsWith('{"calls"'))
        .at(-1)!,
    );

  const after = async (running: Running, calls: number): Promise<Told> => {
    await running.logged(new RegExp(`"calls":${last(running).calls + calls},`));
    return last(running);
  };

  const pids = (instances: readonly Running[]) => instances.map(({ pid }) => String(pid)).sort();

  test("calls spread over all instances, and over one that comes later", async () => {
    await using here = world();
    const two = [await here.instance(), await here.instance()];
    const calling = await here.calling({});
    expect(Object.keys((await after(calling, 200)).seen).sort()).toEqual(pids(two));
    const third = await here.instance();
    await calling.logged(new RegExp(`"${third.pid}":`));
    expect(last(calling).failed).toEqual([]);
  });

  test("no call fails when an instance is killed", async () => {
    await using here = world();
    const [killed, ...others] = [await here.instance(), await here.instance(), await here.instance()];
    const calling = await here.calling({ idempotent: true });
    await calling.logged(new RegExp(`"${killed.pid}":`));
    killed.signal("SIGKILL");
    await killed.exited;
    const before = await after(calling, 100);
    const told = await after(calling, 400);
    expect(told.failed).toEqual([]);
    expect(told.seen[killed.pid]).toBe(before.seen[killed.pid]!);
    for (const { pid } of others) expect(told.seen[pid]).toBeGreaterThan(before.seen[pid] ?? 0);
  });

  test("no call fails when an instance drains, though none may be made twice", async () => {
    await using here = world();
    const [drained] = [await here.instance("--drain_delay=200ms"), await here.instance()];
    const calling = await here.calling({});
    await calling.logged(new RegExp(`"${drained.pid}":`));
    drained.signal("SIGTERM");
    expect(await drained.exited).toBe(0);
    const before = await after(calling, 50);
    const told = await after(calling, 200);
    expect(told.failed).toEqual([]);
    expect(told.seen[drained.pid]).toBe(before.seen[drained.pid]!);
  });

  test("version and metadata choose, and what is not there is said", async () => {
    await using here = world();
    const one = await here.instance("--server_version=1.0.0");
    const two = await here.instance("--server_version=2.0.0", "--server_metadata=region=eu");
    const told = await here.ask([
      { version: "1.0.0" },
      { version: "2.0.0" },
      { where: { region: "eu" } },
      { version: "3.0.0" },
    ]);
    expect(told).toEqual([
      [one.pid],
      [two.pid],
      [two.pid],
      "unavailable: service who: no instance of version 3.0.0: there are 1.0.0, 2.0.0",
    ]);
  });

  test("hash sends a key to one instance, from every process, and different keys to all", async () => {
    await using here = world();
    const three = [await here.instance(), await here.instance(), await here.instance()];
    const keys = Array.from({ length: 40 }, (_, n) => ({ metadata: { "x-user": `user-${n}` } }));
    const args = ["--selector=hash", "--selector_key=x-user"];
    const told = await here.ask(keys, ...args);
    for (const seen of told) expect(seen).toBeArrayOfSize(1);
    expect([...new Set(told.flat().map(String))].sort()).toEqual(pids(three));
    expect(await here.ask(keys, ...args)).toEqual(told);
  });
});

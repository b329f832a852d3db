/** Services on one machine find each other with no settings at all, and a killed one is forgotten. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { folder, microrun, serve, type Target, targets } from "./harness.ts";

const modules = folder({
  "greeter.ts": `export default { Greeter: { Hello: () => ({ pid: process.pid }) } };`,
  "caller.ts": `
    export default async ({ client }) => {
      const calls = Array.from({ length: 40 }, () => client.call("greeter", "Greeter.Hello", {}));
      const pids = (await Promise.all(calls)).map(({ pid }) => pid);
      console.log(JSON.stringify([...new Set(pids)].sort((a, b) => a - b)));
    };`,
  "follower.ts": `
    export default async ({ client, signal }) => {
      for (let last; !signal.aborted; await new Promise((resolve) => setTimeout(resolve, 10))) {
        const said = await client.call("greeter", "Greeter.Hello", {}).then(({ pid }) => "from " + pid, (error) => error.code);
        if (said !== last) console.log(said);
        last = said;
      }
    };`,
});
afterAll(() => modules[Symbol.dispose]());
const greeter = join(modules.path, "greeter.ts");

/** A runtime folder that no other test's services are in. */
function runtime(): Disposable & { env: { XDG_RUNTIME_DIR: string }; files: () => string[]; path: string } {
  const own = folder();
  const path = join(own.path, "microrun");
  return {
    path,
    env: { XDG_RUNTIME_DIR: own.path },
    files: () => readdirSync(path),
    [Symbol.dispose]: () => own[Symbol.dispose](),
  };
}

async function pidsThatAnswer(target: Target, env: Record<string, string>): Promise<number[]> {
  const { code, stdout, stderr } = await microrun(target, [join(modules.path, "caller.ts")], { env });
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

describe.each(targets.map((target) => [target.name, target] as const))("%s", (_, target) => {
  test("calls go to all processes of a service; a killed one gets none, and its file is removed", async () => {
    using at = runtime();
    await using one = await serve(target, [greeter], at);
    await using two = await serve(target, [greeter], at);
    expect(statSync(at.path).mode & 0o777).toBe(0o700);
    expect(await pidsThatAnswer(target, at.env)).toEqual([one.pid, two.pid].sort((a, b) => a - b));
    expect(at.files()).toHaveLength(2);
    one.signal("SIGKILL");
    await one.exited;
    expect(await pidsThatAnswer(target, at.env)).toEqual([two.pid]);
    expect(at.files()).toHaveLength(1);
  });

  test("a service that stops takes itself out", async () => {
    using at = runtime();
    await using one = await serve(target, [greeter], at);
    expect(at.files()).toHaveLength(1);
    one.signal("SIGTERM");
    expect(await one.exited).toBe(0);
    expect(at.files()).toEqual([]);
  });

  test("a caller that runs on sees a service come, go and come again", async () => {
    using at = runtime();
    await using caller = await serve(target, [join(modules.path, "follower.ts")], {
      ...at,
      until: /unavailable/,
      ownAddress: false,
    });
    const first = await serve(target, [greeter], at);
    await caller.logged(new RegExp(`from ${first.pid}`));
    await first[Symbol.asyncDispose]();
    await caller.logged(/from[\s\S]*unavailable/);
    await using second = await serve(target, [greeter], at);
    await caller.logged(new RegExp(`from ${second.pid}`));
  });

  test("a folder that others may write to is refused with the way out", async () => {
    using at = runtime();
    mkdirSync(at.path, { mode: 0o777 });
    Bun.spawnSync(["chmod", "777", at.path]);
    const { code, stderr } = await microrun(target, [greeter, "--server_address=127.0.0.1:0"], at);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(
      /cannot use .*microrun to find local services: others may write there \(mode 777\)/,
    );
    expect(stderr).toMatch(/hint: remove it, or set XDG_RUNTIME_DIR/);
  });
});

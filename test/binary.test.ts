/** The compiled binary needs nothing beside it: no PATH, no home, no right to write, no root. */
import { expect, test } from "bun:test";
import { chmodSync, cpSync } from "node:fs";
import { join } from "node:path";
import { folder, serve, targets } from "./harness.ts";

const binary = targets.find(({ name }) => name === "binary");
const module = 'export default { Greeter: { Hello: ({ name }) => ({ greeting: "Hello " + name + "!" }) } };';
const isRoot = process.getuid?.() === 0;

/** Both are needed to become somebody else; a developer who is not root tests as themselves. */
const asNobody =
  isRoot && Bun.which("setpriv")
    ? [Bun.which("setpriv")!, "--reuid=65532", "--regid=65532", "--clear-groups"]
    : [];

test.skipIf(binary === undefined)(
  "the binary serves from a read-only folder, as nobody, with an empty environment",
  async () => {
    using dir = folder({ "greeter.ts": module });
    const own = join(dir.path, "microrun");
    cpSync(binary!.command[0]!, own);
    chmodSync(dir.path, 0o555);
    const target = { name: "alone", command: [...asNobody, Bun.which("env") ?? "/usr/bin/env", "-i", own] };
    await using running = await serve(target, ["./greeter.ts", "--selector=static", "--log_format=text"], {
      cwd: dir.path,
    });
    const reply = await fetch(`http://${running.address()}/Greeter/Hello`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"name":"John"}',
    });
    expect(await reply.json()).toEqual({ greeting: "Hello John!" });
    await running.logged(/curl http:\/\//);
    await running.logged(/\.\/microrun call greeter Greeter\.Hello/);
    running.signal("SIGTERM");
    expect(await running.exited).toBe(0);
    chmodSync(dir.path, 0o755);
  },
);

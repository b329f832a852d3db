/** The same source under Deno: it serves, is called by clients that are not ours, and drains. What does not hold there is in docs/deno.md. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { folder, greeter, microrun, type Running, serve } from "./harness.ts";
import { peer } from "./peers.ts";

const root = join(import.meta.dir, "..");
const deno = join(root, "node_modules/.bin/deno");
const target = { name: "deno", command: [deno, "run", "-A", join(root, "src/main.ts")] };
const grpcurl = await peer("grpcurl");
if (!existsSync(deno) && process.env.CI) throw new Error("deno: not installed; run npm ci");

describe.skipIf(!existsSync(deno))("under Deno", () => {
  let running: Running;
  beforeAll(async () => {
    running = await serve(target, [greeter]);
  });
  afterAll(() => running[Symbol.asyncDispose]());

  test("the greeter answers JSON, health and a 404", async () => {
    const at = `http://${running.address()}`;
    const reply = await fetch(`${at}/greeter.Greeter/Hello`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"name":"John"}',
    });
    expect(await reply.json()).toEqual({ greeting: "Hello John!" });
    expect(await (await fetch(`${at}/health`)).text()).toBe("OK");
    expect((await fetch(`${at}/readyz?verbose`)).status).toBe(200);
    expect((await fetch(`${at}/nothing`)).status).toBe(404);
  });

  test.skipIf(grpcurl === undefined)("the greeter answers gRPC and reflection", async () => {
    const child = Bun.spawn([
      grpcurl!,
      "-plaintext",
      "-d",
      '{"name":"John"}',
      running.address(),
      "greeter.Greeter/Hello",
    ]);
    expect(JSON.parse(await new Response(child.stdout).text())).toEqual({ greeting: "Hello John!" });
  });

  test("a job ends with 0, and a module may import microrun", async () => {
    using dir = folder({
      "job.ts":
        'import { MicrorunError } from "microrun";\nexport default ({ log }) => log.info(new MicrorunError("aborted", "seen").message);',
    });
    const { code, stderr } = await microrun(target, [join(dir.path, "job.ts")]);
    expect(stderr).toContain("seen");
    expect(code).toBe(0);
  });

  test("a web module is served unchanged", async () => {
    using dir = folder({
      "web.ts":
        'export default { fetch: (request) => new Response("hello " + new URL(request.url).pathname) };',
    });
    await using web = await serve(target, [join(dir.path, "web.ts")]);
    expect(await (await fetch(`http://${web.address()}/world`)).text()).toBe("hello /world");
  });

  test("SIGTERM ends it with 0", async () => {
    await using own = await serve(target, [greeter]);
    own.signal("SIGTERM");
    expect(await own.exited).toBe(0);
  });
});

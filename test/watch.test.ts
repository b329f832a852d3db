/** `--watch`, from source, compiled and on Deno: what restarts a module, and what a failing one waits for. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const driver = join(import.meta.dir, "fixtures/watch-driver.ts");
const temp = mkdtempSync(join(tmpdir(), "microrun-watch-"));
const binary = join(temp, "watch-driver");
const compileFlags =
  "--compile --minify --bytecode --format=esm --no-compile-autoload-dotenv --no-compile-autoload-bunfig --compile-autoload-package-json --compile-autoload-tsconfig";

const hosts = [
  { name: "source", command: [process.execPath, "--no-install", driver] },
  { name: "binary", command: [binary] },
  { name: "deno", command: [join(root, "node_modules/.bin/deno"), "run", "-A", "--quiet", driver] },
];

/** How long a restart may take. */
const patienceMs = 10_000;

beforeAll(async () => {
  const command = [process.execPath, "build", ...compileFlags.split(" "), driver, "--outfile", binary];
  const build = Bun.spawn(command, { stdout: "ignore", stderr: "pipe" });
  if ((await build.exited) !== 0) throw new Error(await new Response(build.stderr).text());
}, 60_000);

afterAll(() => rmSync(temp, { recursive: true, force: true }));

describe.each(hosts)("$name", ({ name, command }) => {
  const deno = name === "deno";

  /** A project of two modules, and the process that watches it. */
  function start(kind: string) {
    const folder = join(temp, `${name}-${kind}`);
    mkdirSync(join(folder, "lib"), { recursive: true });
    const write = (file: string, text: string) => writeFileSync(join(folder, file), text);
    write("lib/word.ts", 'export const word = "one";');
    write("lib/data.json", '{ "number": 1 }');
    write(
      "greeter.ts",
      'import { word } from "./lib/word.ts"; import data from "./lib/data.json" with { type: "json" };\n' +
        "export default { Greeter: { Hello: () => word + data.number } };",
    );
    const child = Bun.spawn([...command, "--watch", "./greeter.ts"], {
      cwd: folder,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    let output = "";
    const collect = async (stream: ReadableStream<Uint8Array>) => {
      for await (const chunk of stream) output += new TextDecoder().decode(chunk);
    };
    const collected = Promise.all([collect(child.stdout), collect(child.stderr)]);
    /** Resolves when it has said this since it was last asked. */
    const said = async (text: string) => {
      const end = Date.now() + patienceMs;
      while (!output.includes(text)) {
        if (Date.now() > end) throw new Error(`it never said ${text}, but:\n${output}`);
        await Bun.sleep(10);
      }
      output = output.slice(output.indexOf(text) + text.length);
      await Bun.sleep(100); // until the host watches
    };
    const dispose = async () => {
      child.kill("SIGTERM");
      await child.exited;
      await collected;
    };
    return { child, folder, write, said, dispose };
  }

  test("a change of the module or of anything it imports restarts it", async () => {
    const { child, folder, write, said, dispose } = start("change");
    await said(deno ? "says one1" : `${child.pid} says one1`);
    write("lib/word.ts", 'export const word = "two";');
    await said("says two1");
    write("lib/data.json", '{ "number": 2 }');
    await said("says two2");
    write("lib/new.ts", 'export const word = "three";');
    renameSync(join(folder, "lib/new.ts"), join(folder, "lib/word.ts"));
    await said("says three2");
    await dispose();
  }, 60_000);

  test("a module that fails to load is tried again after a change", async () => {
    const { write, said, dispose } = start("failure");
    await said("says one1");
    write("lib/word.ts", "export const word =");
    await said("failed: cannot load ./greeter.ts: lib/word.ts:1:");
    write("lib/word.ts", 'export const word = "mended";');
    await said("says mended1");
    await dispose();
  }, 60_000);

  if (deno) return;

  test("a .proto found by its name restarts it, too, and what ran before is stopped well", async () => {
    const { write, said, dispose } = start("proto");
    await said("says one1 with 0 proto");
    write("greeter.proto", 'syntax = "proto3";');
    await said("greeter.proto changed: restarting\ndrained\n");
    await said("says one1 with 1 proto");
    write("unrelated.json", "{}");
    write("lib/word.ts", 'export const word = "two";');
    await said("word.ts changed");
    await dispose();
  }, 60_000);

  test("a module that ends waits for a change", async () => {
    const { write, said, dispose } = start("end");
    await said("says one1");
    write("greeter.ts", 'export default { name: "ends", handlers: { Greeter: { Hello: () => "bye" } } };');
    await said("says bye with 0 proto\nwaiting for a change\n");
    write("greeter.ts", 'export default { Greeter: { Hello: () => "again" } };');
    await said("says again");
    await dispose();
  }, 60_000);

  test("SIGTERM, and SIGHUP however often, stop it with its own exit code, running or waiting", async () => {
    const running = start("stop");
    await running.said("says one1");
    running.child.kill("SIGTERM");
    expect(await running.child.exited).toBe(7);

    const asked = start("stop-again");
    await asked.said("says one1");
    asked.child.kill("SIGHUP");
    asked.child.kill("SIGHUP");
    expect(await asked.child.exited).toBe(7);

    const waiting = start("stop-waiting");
    await waiting.said("says one1");
    waiting.write("greeter.ts", "export default 7;");
    await waiting.said("waiting for a change");
    waiting.child.kill("SIGTERM");
    expect(await waiting.child.exited).toBe(143);
  }, 60_000);
});

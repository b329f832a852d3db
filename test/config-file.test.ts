/** Files as configuration, from outside: formats, mounted volumes, and what happens to files while a service runs. */
import { describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { folder, type Running, serve, type Target, targets } from "./harness.ts";

const root = join(import.meta.dir, "..");
const denoProgram = join(root, "node_modules/.bin/deno");
const deno: Target = { name: "deno", command: [denoProgram, "run", "-A", join(root, "src/main.ts")] };
const hosts = existsSync(denoProgram) ? [...targets, deno] : targets;

const module = `
export default {
  Shop: {
    Get: ({ path }, { config }) => ({ value: config.get(path) ?? null }),
    /** The next value at the path. */
    Next: ({ path }, { config, signal }) =>
      new Promise((resolve) => {
        const stop = config.watch(path, (value) => { stop(); resolve({ value: value ?? null }); });
        signal.addEventListener("abort", stop);
      }),
  },
};
`;

/** How soon a change must have reached a handler. */
const reachMs = 1000;

async function call(running: Running, method: string, path: string): Promise<unknown> {
  const response = await fetch(`http://${running.address("http")}/Shop/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ path }),
  });
  return ((await response.json()) as { value: unknown }).value;
}

const get = (running: Running, path: string): Promise<unknown> => call(running, "Get", path);

/** A change takes a moment to come through. */
async function until(running: Running, path: string, wanted: unknown): Promise<void> {
  const end = performance.now() + 10 * reachMs;
  let value = await get(running, path);
  while (!Bun.deepEquals(value, wanted)) {
    if (performance.now() > end)
      throw new Error(`${path} is still ${JSON.stringify(value)}\n${running.log()}`);
    await Bun.sleep(20);
    value = await get(running, path);
  }
}

async function readiness(running: Running): Promise<string> {
  return (await fetch(`http://${running.address("http")}/readyz?verbose`)).text();
}

/** A new version of a mounted volume, as kubelet writes it. */
function mount(at: string, version: number, files: Readonly<Record<string, string>>): void {
  const name = `..2026_11_21_${version}`;
  mkdirSync(join(at, name), { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(at, name, file), text);
  symlinkSync(name, join(at, "..data_tmp"));
  renameSync(join(at, "..data_tmp"), join(at, "..data"));
  const present = readdirSync(at).filter((file) => !file.startsWith(".."));
  for (const file of present) if (!Object.hasOwn(files, file)) unlinkSync(join(at, file));
  for (const file of Object.keys(files)) {
    if (!present.includes(file)) symlinkSync(`..data/${file}`, join(at, file));
  }
  if (version > 1) rmSync(join(at, `..2026_11_21_${version - 1}`), { recursive: true });
}

describe.each(hosts)("$name: files", (target) => {
  test("are read by their extension, others as lines of key=value", async () => {
    using dir = folder({
      "shop.ts": module,
      "a.yaml": "yaml: {date: 2026-11-21, on: on}\nover: yaml\n",
      "b.json": '{"json": {"big": 9007199254740993}, "over": "json"}',
      "c.toml": "over = 'toml'\n[toml]\ndate = 2026-11-21\n",
      "d.properties": "properties.host = 127.0.0.1\n",
      mongodb: "host=127.0.0.1\npassword=pa=ss\n",
    });
    const named = ["a.yaml", "b.json", "c.toml", "d.properties", "mongodb"].map(
      (name) => `--config=file:${name}`,
    );
    await using running = await serve(target, ["shop.ts", ...named], { cwd: dir.path });
    expect(await get(running, "yaml")).toEqual({ date: "2026-11-21", on: "on" });
    expect(await get(running, "json.big")).toBe("9007199254740993");
    expect(await get(running, "toml.date")).toBe("2026-11-21");
    expect(await get(running, "properties.host")).toBe("127.0.0.1");
    expect(await get(running, "mongodb")).toEqual({ host: "127.0.0.1", password: "pa=ss", "": "" });
    expect(await get(running, "over")).toBe("toml");
  });

  test("of a mounted volume reach a handler when the volume changes", async () => {
    using dir = folder({ "shop.ts": module });
    const at = join(dir.path, "etc");
    mount(at, 1, { mongodb: "host=one", "config.yaml": "greeting: one" });
    const named = ["--config=file:etc", "--config=file:etc/config.yaml"];
    await using running = await serve(target, ["shop.ts", ...named], { cwd: dir.path });
    expect(await get(running, "mongodb.host")).toBe("one");
    const next = call(running, "Next", "greeting");
    // the watch stands as soon as a later call is answered
    await get(running, "greeting");
    mount(at, 2, { mongodb: "host=two", "config.yaml": "greeting: two" });
    expect(await next).toBe("two");
    await until(running, "mongodb", { host: "two" });
    mount(at, 3, { redis: "url=redis://127.0.0.1", "config.yaml": "greeting: three" });
    await until(running, "redis.url", "redis://127.0.0.1");
    await until(running, "greeting", "three");
    expect(await get(running, "mongodb")).toBeNull();
    expect(running.log()).not.toContain("config source");
  });

  test("that are deleted, broken and made again keep their last tree, with a line in the log and a mark", async () => {
    using dir = folder({ "shop.ts": module, "x.yaml": "greeting: one\npassword: hunter2\n" });
    const path = join(dir.path, "x.yaml");
    await using running = await serve(target, ["shop.ts", "--config=file:x.yaml", "--log_format=text"], {
      cwd: dir.path,
    });
    unlinkSync(path);
    await running.logged(/config source file:x\.yaml: x\.yaml: not there/);
    expect(await get(running, "greeting")).toBe("one");
    expect(await readiness(running)).toContain("[+]config ok: not well: file:x.yaml\n");

    writeFileSync(path, "greeting: two\npassword: [hunter2\n");
    await running.logged(/config source file:x\.yaml: x\.yaml line 3, column 1: /);
    expect(await get(running, "greeting")).toBe("one");

    const layers = "abcdefgh".split("").map((name, i) => {
      const ten = Array.from({ length: 10 }, () => (i === 0 ? "x" : `*${"abcdefgh"[i - 1]}`));
      return `${name}: &${name} [${ten.join(", ")}]`;
    });
    writeFileSync(path, layers.join("\n"));
    await running.logged(/x\.yaml line \d, column \d+: more than 100000 values, aliases counted/);
    expect(await get(running, "greeting")).toBe("one");

    writeFileSync(path, "greeting: three\n");
    await until(running, "greeting", "three");
    await running.logged(/config source file:x\.yaml: all is well again/);
    expect(await readiness(running)).toContain("[+]config ok\n");
    expect(running.log() + running.stdout()).not.toContain("hunter2");
  });

  test("that change a hundred times a second are taken as they are at last", async () => {
    using dir = folder({ "shop.ts": module, "x.json": '{"n": 0}' });
    const path = join(dir.path, "x.json");
    await using running = await serve(target, ["shop.ts", "--config=file:x.json"], { cwd: dir.path });
    for (let n = 1; n <= 100; n++) {
      writeFileSync(path, JSON.stringify({ n }));
      await Bun.sleep(10);
    }
    await until(running, "n", 100);
    expect(running.log()).not.toContain("config source");
  });
});

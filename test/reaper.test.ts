/** microrun as pid 1, in a pid namespace of its own. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const driver = join(import.meta.dir, "fixtures/reaper-driver.ts");
const temp = mkdtempSync(join(tmpdir(), "microrun-reaper-"));
const binary = join(temp, "reaper-driver");
const asRoot = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];
const unshare = ["unshare", ...asRoot, "--pid", "--fork", "--mount-proc"];
/** Containers may forbid namespaces. */
const possible = Bun.which("unshare") !== null && Bun.spawnSync([...unshare, "true"]).success;

beforeAll(async () => {
  const build = Bun.spawnSync([
    process.execPath,
    "build",
    "--compile",
    "--minify",
    "--bytecode",
    "--format=esm",
    driver,
    "--outfile",
    binary,
  ]);
  if (!build.success) throw new Error(build.stderr.toString());
});

afterAll(() => rmSync(temp, { recursive: true, force: true }));

describe.skipIf(!possible).each([
  { name: "source", command: [process.execPath, "--no-install", driver] },
  { name: "binary", command: [binary] },
])("$name", ({ command }) => {
  test("an orphan is reaped, and a child of its own keeps its exit code", async () => {
    const child = Bun.spawn([...unshare, ...command], { stdout: "pipe", stderr: "inherit" });
    expect(await new Response(child.stdout).json()).toEqual({ pid: 1, own: 3, left: 1, after: 0 });
  }, 20_000);
});

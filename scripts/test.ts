/** All checks in one command: types, lint, the build, then every test on source and on the compiled binary. */
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const bin = (name: string): string => join(root, "node_modules/.bin", name);

/** No step takes longer than this; one that hangs has failed. */
const maxStepMs = 30 * 60_000;

/** Runs a command with its output shown; resolves with the exit code and what went to stderr. */
async function step(
  title: string,
  command: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number; stderr: string }> {
  console.log(`\n── ${title}`);
  const child = Bun.spawn([...command], {
    cwd: root,
    env: { ...process.env, ...env } as Record<string, string>,
    stdin: "ignore",
    stdout: "inherit",
    stderr: "pipe",
    timeout: maxStepMs,
  });
  const decoder = new TextDecoder();
  let stderr = "";
  for await (const chunk of child.stderr) {
    process.stderr.write(chunk);
    stderr += decoder.decode(chunk, { stream: true });
  }
  return { code: await child.exited, stderr };
}

const checks = [
  await step("types", [bin("tsc"), "--noEmit"]),
  await step("types of the examples", [bin("tsc"), "--noEmit", "-p", "examples"]),
  await step("lint", [bin("biome"), "check", "--error-on-warnings"]),
  await step("build", [process.execPath, "scripts/build.ts"]),
  await step("peers", [process.execPath, "test/peers.ts"]),
  await step("control plane", [process.execPath, "test/kubernetes-binaries.ts"]),
  await step("registry", [process.execPath, "test/oci-registry.ts"]),
];

const only = process.argv.slice(2);
const tests = await step("tests", [process.execPath, "test", "--no-install", "--timeout=60000", ...only], {
  MICRORUN_BIN: join(root, "dist/microrun"),
});

/** `bun test` ends with ` 6 pass` / ` 0 fail` / ` 1 skip`. */
const count = (word: string): number =>
  Number(tests.stderr.match(new RegExp(`^ (\\d+) ${word}`, "m"))?.[1] ?? 0);
const broken = checks.filter(({ code }) => code !== 0).length;
const passed = count("pass") + checks.length - broken;
const failed = count("fail") + broken;
const skipped = count("skip");
console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed > 0 || tests.code !== 0 ? 1 : 0);

/** Makes dist/microrun, one executable that needs nothing beside it, and the text within it that others are made from. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { bundleProgram, programFile } from "../src/build/program.ts";

/**
 * The compiled program must not read `.env` or `bunfig.toml` of the folder it runs in (a hostile preload there would run),
 * but must find the user's `node_modules` (package.json) and `paths` (tsconfig.json).
 */
export const compileFlags = [
  "--compile",
  "--minify",
  "--bytecode",
  "--format=esm",
  "--sourcemap",
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
  "--compile-autoload-package-json",
  "--compile-autoload-tsconfig",
] as const;

const root = join(import.meta.dir, "..");
const microrun = join(root, "src/main.ts");

/** @param more flags for `bun build`: another target @returns the path of the executable */
export async function compile(
  entry: string = microrun,
  outfile: string = join(root, "dist/microrun"),
  more: readonly string[] = [],
): Promise<string> {
  mkdirSync(join(outfile, ".."), { recursive: true });
  using program = entry === microrun ? await writeProgram(join(outfile, "../program")) : undefined;
  const asset = program === undefined ? [] : [`--asset=${program.path}`];
  const flags = [...compileFlags, ...more, ...asset, `--outfile=${outfile}`];
  const command = [process.execPath, "build", entry, ...flags];
  const child = Bun.spawn(command, { cwd: root, stdout: "pipe", stderr: "pipe" });
  const [code, output] = await Promise.all([child.exited, new Response(child.stderr).text()]);
  if (code !== 0) throw new Error(`bun build failed with ${code}:\n${output}`);
  return outfile;
}

/** What microrun makes other executables from; it is embedded by its file's name. */
async function writeProgram(folder: string): Promise<Disposable & { path: string }> {
  const path = join(folder, programFile);
  await Bun.write(path, await bundleProgram(join(root, "src/begin.ts")));
  return { path, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

if (import.meta.main) {
  const began = performance.now();
  const outfile = await compile(microrun, process.argv[2]);
  const megabytes = (Bun.file(outfile).size / 1e6).toFixed(1);
  console.log(`${outfile}  ${megabytes} MB  ${Math.round(performance.now() - began)} ms`);
}

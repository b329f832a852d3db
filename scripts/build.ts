/** Compiles src/main.ts into dist/microrun, one executable that needs nothing beside it. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";

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

/** @returns the path of the executable */
export async function compile(
  entry: string = join(root, "src/main.ts"),
  outfile: string = join(root, "dist/microrun"),
): Promise<string> {
  mkdirSync(join(outfile, ".."), { recursive: true });
  const command = [process.execPath, "build", entry, ...compileFlags, `--outfile=${outfile}`];
  const child = Bun.spawn(command, { cwd: root, stdout: "pipe", stderr: "pipe" });
  const [code, output] = await Promise.all([child.exited, new Response(child.stderr).text()]);
  if (code !== 0) throw new Error(`bun build failed with ${code}:\n${output}`);
  return outfile;
}

if (import.meta.main) {
  const began = performance.now();
  const outfile = await compile();
  const megabytes = (Bun.file(outfile).size / 1e6).toFixed(1);
  console.log(`dist/microrun  ${megabytes} MB  ${Math.round(performance.now() - began)} ms`);
}

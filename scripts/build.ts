/** Makes dist/microrun, one executable that needs nothing beside it, and the text within it that others are made from. */
import { mkdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { inFolder, neutral } from "../src/build/bundler.ts";
import { bundleProgram, programFile } from "../src/build/program.ts";
import type { Target } from "../src/build/targets.ts";

const root = join(import.meta.dir, "..");
const microrun = join(root, "src/main.ts");

/** What it is made for, if not for this machine. */
export interface Platform {
  readonly target: Target;
  /** Path of its Bun. */
  readonly bun: string;
}

/** @returns the path of the executable: of the same source the same bytes, whatever the folder */
export async function compile(
  entry: string = microrun,
  outfile: string = join(root, "dist/microrun"),
  platform?: Platform,
): Promise<string> {
  mkdirSync(join(outfile, ".."), { recursive: true });
  using program = entry === microrun ? await writeProgram(join(outfile, "../program")) : undefined;
  // sources are named relative to the current folder
  await inFolder(root, () =>
    Bun.build({
      ...neutral,
      entrypoints: [entry],
      minify: true,
      bytecode: true,
      sourcemap: "inline",
      compile: {
        outfile,
        ...(platform === undefined
          ? {}
          : {
              target: `bun-${platform.target.name}` as Bun.Build.CompileTarget,
              executablePath: platform.bun,
            }),
        ...(program === undefined ? {} : { assets: [program.path] }),
        // a hostile preload in the folder that it runs in would run
        autoloadDotenv: false,
        autoloadBunfig: false,
        // the user's `node_modules` and `paths` must be found
        autoloadPackageJson: true,
        autoloadTsconfig: true,
      },
    }),
  );
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
  const outfile = await compile(microrun, process.argv[2] && resolve(process.argv[2]));
  const megabytes = (Bun.file(outfile).size / 1e6).toFixed(1);
  console.log(`${outfile}  ${megabytes} MB  ${Math.round(performance.now() - began)} ms`);
}

/** Makes an executable of a program's text: microrun itself, or a service; written whole under its name, or not at all. */
import { chmod, copyFile, mkdir, mkdtemp, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { errorText, MicrorunError } from "../errors.ts";
import { extension } from "./bun-executable.ts";
import { inFolder, minification, neutral } from "./bundler.ts";
import { type Program, programFile } from "./program.ts";
import type { Target } from "./targets.ts";

export interface ExecutableOptions {
  readonly program: Program;
  /** Absolute path of where it is written. */
  readonly outfile: string;
  readonly target: Target;
  /** Path of the target's Bun. @default the one that runs here */
  readonly bun?: string;
  /** What is not yet written when it is aborted is not. */
  readonly signal: AbortSignal;
  /** What it serves. @default any module: it is microrun, and can make others */
  readonly service?: ServicePart;
}

export interface ServicePart {
  /** Absolute path of the module. */
  readonly entry: string;
  /** Where it lies in the executable: `app/src/greeter.js`. */
  readonly path: string;
  /** What begins it; imports `microrun:program`. */
  readonly main: string;
  /** Files that lie beside it: their absolute paths, by where they lie in the executable. */
  readonly files: ReadonlyMap<string, string>;
  readonly plugin: Bun.BunPlugin;
  readonly minify: boolean;
}

/** Where the files of a service lie in its executable. */
export const inside = "app";
/** What the executable is called while it is made: its bytes depend on it. */
const constantName = "service";
/** One that is smaller than its Bun was cut off, as on a full disk. */
const leastShare = 0.9;

/** @throws what the bundler or the file system throws */
export async function writeExecutable(options: ExecutableOptions): Promise<void> {
  const { program, outfile, bun = process.execPath, target, service, signal } = options;
  await mkdir(dirname(outfile), { recursive: true });
  const folder = await mkdtemp(join(dirname(outfile), `.${basename(outfile)}-`)).catch((error) => {
    throw Object.assign(error, { path: outfile });
  });
  try {
    const made = join(folder, constantName + extension(target));
    const assets = await stage(folder, service?.files ?? new Map());
    if (service === undefined) {
      assets.push(join(folder, programFile));
      await writeFile(join(folder, programFile), program);
    }
    await inFolder(service === undefined ? folder : dirname(service.entry), () =>
      compile(options, made, assets),
    );
    signal.throwIfAborted();
    if ((await stat(made)).size < leastShare * (await stat(bun)).size) throw diskFull(outfile);
    await chmod(made, 0o777 & ~process.umask());
    await rename(made, outfile);
  } catch (error) {
    const all: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
    throw all.some((one) => /ENOSPC|EDQUOT/.test(errorText(one))) ? diskFull(outfile) : told(error, options);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Of a Bun that was cut off the bundler says no more than that it failed; of the output, by what name it was not yet known. */
function told(error: unknown, { bun, outfile }: ExecutableOptions): unknown {
  if (error instanceof Error && "dest" in error && error.dest === outfile)
    return Object.assign(error, { path: outfile });
  if (bun === undefined || errorText(error) !== "Bundle failed") return error;
  if (error instanceof AggregateError && error.errors.some(({ position }) => position)) return error;
  return new MicrorunError("data_loss", `cannot make an executable of ${bun}: it is not whole`, {
    hint: "remove it, and fetch it again",
    cause: error,
  });
}

function diskFull(outfile: string): MicrorunError {
  return new MicrorunError("resource_exhausted", `cannot write ${outfile}: the disk is full`, {
    hint: "free some space, or name a place on another disk: -o",
  });
}

/** @returns the folders to embed: files keep their places below them */
async function stage(folder: string, files: ReadonlyMap<string, string>): Promise<string[]> {
  for (const [path, file] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await copyFile(file, join(folder, path));
  }
  return files.size === 0 ? [] : [join(folder, inside)];
}

/** @param assets files and folders to embed */
async function compile(
  { program, target, bun, service }: ExecutableOptions,
  made: string,
  assets: readonly string[],
): Promise<void> {
  // in the current folder: of the others only the way there gets into the source map
  const main = join(process.cwd(), "microrun-main.js");
  const itself = `import { begin } from "microrun:program";\nawait begin();\n`;
  await Bun.build({
    ...neutral,
    entrypoints: [main, ...(service === undefined ? [] : [service.entry])],
    files: { [main]: service?.main ?? itself },
    plugins: [programPlugin(program), ...(service === undefined ? [] : [service.plugin])],
    naming: { entry: service?.path ?? "[name].js", asset: `${inside}/[name]-[hash].[ext]` },
    minify: minification(service?.minify ?? false),
    sourcemap: service === undefined ? "none" : "inline",
    bytecode: true,
    external: ["microrun"],
    compile: {
      target: `bun-${target.name}` as Bun.Build.CompileTarget,
      outfile: made,
      ...(bun === undefined ? {} : { executablePath: bun }),
      assets: [...assets],
      autoloadDotenv: false,
      autoloadBunfig: false,
      // the user's module and its packages may lie elsewhere
      autoloadPackageJson: service === undefined,
      autoloadTsconfig: service === undefined,
    },
  });
}

function programPlugin(program: Program): Bun.BunPlugin {
  return {
    name: "program",
    setup(build) {
      build.onResolve({ filter: /^microrun:program$/ }, () => ({ path: "program", namespace: "microrun" }));
      build.onLoad({ filter: /^program$/, namespace: "microrun" }, () => ({
        contents: program,
        loader: "js",
      }));
    },
  };
}

/** Bun's bundler, asked the same way for whatever is made of a module: nothing of this machine or its environment gets in. */
import { relative, resolve } from "node:path";
import { MicrorunError } from "../errors.ts";
import { namedFunction } from "./class-names.ts";
import { faultsOf } from "./faults.ts";
import { type Imported, importPlugin } from "./import-plugin.ts";
import type { ModuleReader } from "./module-reader.ts";

/** Without NODE_ENV Bun runs a module as one in development; in brackets, the bundler does not know it. */
const nodeEnv = `microrunEnv = { NODE_ENV: process.env["NODE_ENV"] ?? "development" }`;

/**
 * Names instead of values: the bundler would write this machine's paths and NODE_ENV into the code.
 * What a user's code says is meant when it runs.
 */
export const neutral: Partial<Bun.BuildConfig> = {
  target: "bun",
  format: "esm",
  env: "disable",
  define: {
    __dirname: "microrunDirname",
    __filename: "microrunFilename",
    "process.env.NODE_ENV": "microrunEnv.NODE_ENV",
  },
  // var: what is bundled again says it twice
  banner:
    `var microrunDirname = import.meta.dirname, microrunFilename = import.meta.filename, ${nodeEnv}, ${namedFunction};`.replaceAll(
      /\n */g,
      " ",
    ),
};

/** Names of classes are names of services and of errors. */
export function minification(minify: boolean): Bun.BuildConfig["minify"] & object {
  return { whitespace: minify, syntax: minify, identifiers: false, keepNames: true };
}

export interface BundlerOptions {
  /** Absolute path. */
  readonly entry: string;
  /** Of the module: what files beside it, and sources in traces, are relative to. */
  readonly folder: string;
  readonly minify: boolean;
}

export interface Bundled {
  readonly outputs: readonly Bun.BuildArtifact[];
  /** Absolute paths of all that was bundled. */
  readonly sources: readonly string[];
  readonly imported: Imported;
}

/** @throws MicrorunError `invalid_argument` with file, line and column of what is wrong */
export async function bundled(options: BundlerOptions, reader: ModuleReader): Promise<Bundled> {
  const { entry, folder, minify } = options;
  const { plugin, imported } = importPlugin(folder);
  const { outputs, metafile } = await explained(entry, reader, () =>
    inFolder(folder, () =>
      Bun.build({
        ...neutral,
        entrypoints: [entry],
        naming: { entry: "[name].js", chunk: "[name]-[hash].js", asset: "[name]-[hash].[ext]" },
        minify: minification(minify),
        sourcemap: "inline",
        external: ["microrun"],
        metafile: true,
        plugins: [plugin],
      }),
    ),
  );
  const sources = Object.keys(metafile?.inputs ?? {})
    .filter((name) => !/^[\w-]{2,}:/.test(name))
    .map((name) => resolve(folder, name));
  if (metafile !== undefined) imported.faults.push(...faultsOf(metafile, folder));
  return { outputs, sources, imported };
}

/** The bundler names sources relative to the current folder, whatever its `root` says. */
export async function inFolder<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const before = process.cwd();
  process.chdir(folder);
  try {
    return await work();
  } finally {
    process.chdir(before);
  }
}

/** What the bundler throws, as what loading the module would have told. */
export async function explained<T>(module: string, reader: ModuleReader, work: () => Promise<T>): Promise<T> {
  const cwd = process.cwd();
  try {
    return await work();
  } catch (error) {
    const told = complaint(error);
    if (told === undefined) throw error;
    const { code, message, hint, cause } = await reader.explain(told, module, cwd);
    throw new MicrorunError(code, `cannot bundle ${relative(cwd, module)}: ${message}`, {
      ...(hint === undefined ? {} : { hint }),
      cause,
    });
  }
}

interface Complaint {
  readonly specifier?: string;
  readonly referrer?: string;
  readonly position?: { readonly file: string } | null;
}

/** The first of the bundler's, in the form that the loader gives it. What names no place is about no source. */
function complaint(error: unknown): Complaint | undefined {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  if (typeof first !== "object" || first === null || !("position" in first)) return undefined;
  const { specifier, referrer, position } = first as Complaint;
  if (specifier === undefined) return position ? (first as Complaint) : undefined;
  return { specifier, referrer: referrer || (position?.file ?? "") };
}

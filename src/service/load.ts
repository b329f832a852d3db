/** Loads the user's module: finds the file, imports it, reads what it exports, finds its `.proto`; each way to fail has its own message. */
import { readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join, parse, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { didYouMean, MicrorunError, usageError } from "../errors.ts";
import { importError } from "./import-error.ts";
import { readModule } from "./module.ts";
import { checkFile } from "./module-file.ts";
import type { Definition } from "./service.ts";

export interface LoadOptions {
  /** @default the current folder */
  readonly cwd?: string;
  /** `.proto` files that replace the module's own, relative to `cwd`. */
  readonly proto?: readonly string[];
}

export interface LoadedModule {
  /** Its absolute path, symbolic links kept: the name given to a service that names itself nothing. */
  readonly file: string;
  readonly definition: Definition;
  /** Absolute paths of its `.proto` files. */
  readonly proto: readonly string[];
  /** What it exports beside `fetch` and has no meaning here. */
  readonly ignored: readonly string[];
}

/**
 * @param path as the user wrote it
 * @throws MicrorunError `cannot load <path>: why`; `failed_precondition` when the module's own code threw, else `invalid_argument`
 */
export async function loadModule(path: string, options: LoadOptions = {}): Promise<LoadedModule> {
  const cwd = options.cwd ?? process.cwd();
  const file = resolve(cwd, path);
  await checkFile(path, file);
  const exports = await importFile(path, file, cwd);
  try {
    const { definition, ignored } = readModule(exports);
    return { file, definition, ignored, proto: await findProto(definition, file, options.proto, cwd) };
  } catch (error) {
    if (error instanceof MicrorunError) throw prefixed(path, error);
    throw new MicrorunError(
      "failed_precondition",
      `cannot load ${path}: making its service failed: ${error}`,
      { cause: error },
    );
  }
}

async function importFile(path: string, file: string, cwd: string): Promise<Record<string, unknown>> {
  try {
    return await import(pathToFileURL(file).href);
  } catch (error) {
    throw prefixed(path, await importError(error, file, cwd));
  }
}

/** What is named must exist; what is only looked for need not. */
async function findProto(
  definition: Definition,
  file: string,
  replaced: readonly string[] | undefined,
  cwd: string,
): Promise<readonly string[]> {
  if (replaced !== undefined && replaced.length > 0)
    return Promise.all(replaced.map((path) => existing(path, cwd, "--proto")));
  const real = await realPath(file);
  const folder = dirname(real);
  if (definition.proto !== undefined) {
    return Promise.all([definition.proto].flat().map((path) => existing(path, folder, "its proto")));
  }
  const beside = join(folder, `${parse(real).name}.proto`);
  return (await isFile(beside)) ? [beside] : [];
}

async function existing(path: string, folder: string, what: string): Promise<string> {
  const file = resolve(folder, path.startsWith("file:") ? fileURLToPath(path) : path);
  if (await isFile(file)) return file;
  const near = await readdir(dirname(file)).catch(() => []);
  const protos = near.filter((name) => name.endsWith(".proto"));
  throw usageError(
    `${what} ${path} is missing${didYouMean(basename(file), protos)}`,
    `create ${asWritten(file)}, or name one that is there`,
  );
}

/** As one would write it here: what lies below the current folder is relative to it. */
function asWritten(file: string): string {
  const path = relative(process.cwd(), file);
  return path === "" || path.startsWith("..") ? file : path;
}

/** What lies in an executable has no other. */
async function realPath(file: string): Promise<string> {
  return realpath(file).catch(() => file);
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

function prefixed(path: string, error: MicrorunError): MicrorunError {
  const { hint, cause } = error;
  return new MicrorunError(error.code, `cannot load ${path}: ${error.message}`, {
    ...(hint === undefined ? {} : { hint }),
    cause,
  });
}

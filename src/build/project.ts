/** A module and what goes with it, found without running it: where each file lies, and what the user should know. */

import { existsSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { dirname, isAbsolute, join, parse, relative, resolve, sep } from "node:path";
import { usageError } from "../errors.ts";
import { bundled } from "./bundler.ts";
import { type Imported, posix } from "./import-plugin.ts";
import { includedFiles } from "./included-files.ts";
import type { ModuleReader } from "./module-reader.ts";
import { notesOf, ownSources } from "./notes.ts";
import { protosNamedIn } from "./protos.ts";

export interface BundleOptions {
  /** Path of the handler module. */
  readonly module: string;
  /** `.proto` files that replace those that the module names. */
  readonly proto?: readonly string[];
  /** Globs, relative to the module's folder, of files that it reads when it runs. */
  readonly include?: readonly string[];
  /** @default false */
  readonly minify?: boolean;
}

export interface Project {
  /** Absolute; holds all files of the bundle. */
  readonly root: string;
  /** Absolute path of the module, symbolic links followed. */
  readonly entry: string;
  /** Where the bundled module lies below the root: `src/greeter.js`. */
  readonly module: string;
  /** What is read beside the module: absolute paths, sorted. */
  readonly files: readonly string[];
  /** Paths below the root of the `.proto` files that replace the module's own. */
  readonly proto: readonly string[];
  /** Names of native addons, as in the notes. */
  readonly addons: readonly string[];
  readonly notes: readonly string[];
}

/** @throws MicrorunError `invalid_argument` */
export async function readProject(options: BundleOptions, reader: ModuleReader): Promise<Project> {
  const asked = resolve(options.module);
  await reader.check(options.module, asked);
  const entry = await realpath(asked);
  const folder = dirname(entry);
  const scan = await bundled({ entry, folder, minify: false }, reader);
  refuseSecrets(scan.imported, folder);

  const replaced = (options.proto ?? []).map((path) => existing(path));
  const protos = replaced.length > 0 ? replaced : await protosOf(entry, scan.sources);
  const withImports = protos.length === 0 ? [] : await reader.protoFiles(protos);
  const included = await includedFiles(options.include ?? [], folder);
  const files = [
    ...new Set([...scan.imported.files, ...withImports.map((path) => resolve(path)), ...included.files]),
  ];
  const root = commonFolder([entry, ...files]);
  const named = (file: string) => posix(relative(root, file));
  const addons = [...scan.imported.addons].map(named);
  return {
    root,
    entry,
    module: posix(join(relative(root, folder), `${parse(asked).name}.js`)),
    files: files.sort(),
    proto: replaced.map(named),
    addons,
    notes: [
      ...addons.map(
        (name) => `${name} is a native addon: what is made holds on a machine like this one alone`,
      ),
      ...(await notesOf(scan.sources, folder, named)),
      ...included.notes,
    ],
  };
}

/** What the sources' texts name, if it exists; else the one of the module's stem. */
async function protosOf(entry: string, sources: readonly string[]): Promise<string[]> {
  const { dir, name } = parse(entry);
  const there = new Set<string>();
  for (const source of ownSources(sources))
    for (const path of await protosNamedIn(source, [dir, dirname(source)])) there.add(path);
  const beside = join(dir, `${name}.proto`);
  if (existsSync(beside)) there.add(beside);
  return [...there].sort();
}

function existing(path: string): string {
  const file = resolve(path);
  if (existsSync(file)) return file;
  throw usageError(`--proto=${path}: no such file`, "name a .proto that is there");
}

function refuseSecrets({ secrets }: Imported, folder: string): void {
  const [file] = secrets;
  if (file === undefined) return;
  throw usageError(
    `the module imports ${relative(folder, file)}, which looks like a secret`,
    "read it when the service runs: from a variable, a mounted file or --config",
  );
}

/** The deepest folder that holds all of them. */
export function commonFolder(files: readonly string[]): string {
  let folder = dirname(files[0]!);
  const holds = (file: string) => {
    const path = relative(folder, file);
    return path !== ".." && !path.startsWith(`..${sep}`) && !isAbsolute(path);
  };
  while (!files.every(holds) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

/** A module and what goes with it, found without running it: where each file lies, and what the user should know. */

import { existsSync } from "node:fs";
import { readFile, realpath } from "node:fs/promises";
import { dirname, isAbsolute, join, parse, relative, resolve, sep } from "node:path";
import { usageError } from "../errors.ts";
import { bundled } from "./bundler.ts";
import { posix } from "./import-plugin.ts";
import { includedFiles } from "./included-files.ts";
import type { ModuleReader } from "./module-reader.ts";
import { notesOf, ownSources } from "./notes.ts";
import { projectProtos } from "./protos.ts";
import { checkReadable } from "./readable.ts";
import { refuseFaults, refuseNameless, refuseSecrets } from "./refusals.ts";

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
  /** Absolute paths of all that is bundled, of packages too. */
  readonly sources: readonly string[];
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
  await refuseFaults(scan.imported, entry, reader);
  refuseSecrets([...scan.sources, ...scan.imported.files], folder);
  refuseNameless(options.module, entry, await readFile(entry, "utf8"));

  const replaced = (options.proto ?? []).map((path) => existing(path));
  if (replaced.length > 0) await reader.checkProtos(replaced);
  const { protos, missing } =
    replaced.length > 0
      ? { protos: replaced, missing: [] }
      : await projectProtos(options.module, entry, ownSources(scan.sources));
  const withImports = protos.length === 0 ? [] : await reader.protoFiles(protos);
  const included = await includedFiles(options.include ?? [], folder);
  const files = [
    ...new Set([...scan.imported.files, ...withImports.map((path) => resolve(path)), ...included.files]),
  ];
  await checkReadable(files, (file) => relative(process.cwd(), file));
  const root = commonFolder([entry, ...files]);
  const named = (file: string) => posix(relative(root, file));
  const embedded = included.files.filter((file) => file.endsWith(".node"));
  const addons = [...new Set([...scan.imported.addons, ...embedded])].map(named);
  return {
    root,
    entry,
    module: posix(join(relative(root, folder), `${parse(asked).name}.js`)),
    sources: scan.sources,
    files: files.sort(),
    proto: replaced.map(named),
    addons,
    notes: [
      ...addons.map(
        (name) => `${name} is a native addon: what is made holds on a machine like this one alone`,
      ),
      ...(await notesOf(scan.sources, folder, named)),
      ...missing.map(
        ({ source, line, text }) =>
          `${named(source)}:${line}: no file is found for ${text}; name it by --include if it is read when the service runs`,
      ),
      ...included.notes,
    ],
  };
}

function existing(path: string): string {
  const file = resolve(path);
  if (existsSync(file)) return file;
  throw usageError(`--proto=${path}: no such file`, "name a .proto that is there");
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

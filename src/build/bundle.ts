/** A module and all that it needs, as the few files that a runtime runs without anything else. */
import { readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { bundled } from "./bundler.ts";
import { posix } from "./import-plugin.ts";
import type { ModuleReader } from "./module-reader.ts";
import { type BundleOptions, readProject } from "./project.ts";

export type { BundleOptions } from "./project.ts";

export interface BundleFile {
  /** Where it lies below `bundleFolder`: `greeter.js`, `public/page.html`. Never absolute, no `..`. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface Bundle {
  /** The path of the module among the files: `greeter.js`. */
  readonly module: string;
  /** Sorted by path; the same input gives the same bytes. */
  readonly files: readonly BundleFile[];
  /** Paths among the files of what `--proto` must name when the module runs. */
  readonly proto: readonly string[];
  /** Native addons, made for this machine's platform alone. */
  readonly addons: readonly string[];
  /** Absolute paths of all that went in, of packages too. */
  readonly inputs: readonly string[];
  /** What the user should know: computed imports, native addons. */
  readonly notes: readonly string[];
}

/** Where the files of a bundle have to lie when they run. */
export const bundleFolder = "/app";

/** @throws MicrorunError `invalid_argument` for a module that cannot be bundled */
export async function bundle(options: BundleOptions, reader: ModuleReader): Promise<Bundle> {
  const { root, entry, module, files, proto, addons, notes } = await readProject(options, reader);
  const { outputs, sources } = await bundled(
    { entry, folder: dirname(entry), minify: options.minify ?? false },
    reader,
  );
  const made = outputs.map(async (output) => ({
    path: output.kind === "entry-point" ? module : posix(join(dirname(module), output.path)),
    bytes: new Uint8Array(await output.arrayBuffer()),
  }));
  const read = files.map(async (file) => ({
    path: posix(relative(root, file)),
    bytes: new Uint8Array(await readFile(file)),
  }));
  const all = await Promise.all([...read, ...made]);
  return {
    module,
    files: all.sort((a, b) => (a.path < b.path ? -1 : 1)),
    proto,
    addons,
    inputs: [...new Set([...sources, ...files])],
    notes,
  };
}

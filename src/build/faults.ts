/** Imports that the bundler leaves as they are, and nothing answers at run time. */
import { isBuiltin } from "node:module";
import { isAbsolute, resolve } from "node:path";

/** An import that cannot be bundled. */
export interface Fault {
  readonly kind: "unresolved" | "database" | "page";
  /** As written. */
  readonly specifier: string;
  /** Absolute path of the importer. */
  readonly referrer: string;
}

/** Names that lead nowhere on the disk; those of other schemes are Bun's own business. */
const elsewhere = /^(node|bun|npm|jsr|https?):/;

/** @param folder what the bundler's names are relative to */
export function faultsOf({ inputs }: Bun.BuildMetafile, folder: string): Fault[] {
  return Object.entries(inputs).flatMap(([name, { imports }]) =>
    imports.flatMap(({ path, original = path, kind, external }): Fault[] => {
      // any other way to import may be tried in vain
      if (external !== true || kind !== "import-statement") return [];
      const fault = { specifier: original, referrer: resolve(folder, name) };
      // of files, only those of type sqlite are left
      if (original.startsWith(".") || isAbsolute(original)) return [{ kind: "database", ...fault }];
      return elsewhere.test(original) && !isBuiltin(original) ? [{ kind: "unresolved", ...fault }] : [];
    }),
  );
}

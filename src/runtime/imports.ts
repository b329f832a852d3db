/** What a user's module may import on Bun beyond what Bun itself can: `microrun`, and `.proto` files. */
import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";

/** The same classes as ours, whether or not a `microrun` is installed beside the module. */
export function offerMicrorun(exports: Record<string, unknown>): void {
  Bun.plugin({
    name: "microrun",
    setup: (build) => void build.module("microrun", () => ({ exports, loader: "object" })),
  });
}

/** `import path from "./x.proto"` gives the file's absolute path; `with { type: "text" }` its text, as everywhere. */
export function offerProtos(): void {
  let resolving = false;
  Bun.plugin({
    name: "proto",
    setup(build) {
      build.onResolve({ filter: /\.proto$/ }, ({ path, importer }) => {
        if (resolving || importsAsText(importer, path)) return undefined;
        resolving = true; // resolveSync asks this plugin, too
        try {
          return { path: Bun.resolveSync(path, dirname(importer)), namespace: "proto" };
        } finally {
          resolving = false;
        }
      });
      build.onLoad({ filter: /\.proto$/, namespace: "proto" }, ({ path }) => ({
        exports: { default: path, text: readFileSync(path, "utf8") },
        loader: "object",
      }));
    },
  });
}

/** Where the files of a compiled program seem to lie: its own, whose texts it holds. */
export const insideProgram: RegExp = /^(\/\$bunfs|[A-Z]:[\\/]~BUN)/;

/** A plugin is not told of import attributes, so the importer's source is asked. */
function importsAsText(importer: string, path: string): boolean {
  if (insideProgram.test(importer) || !existsSync(importer)) return true;
  const attribute = String.raw`["']${RegExp.escape(path)}["']\s*(with|,\s*\{\s*with:)\s*\{\s*type:\s*["']text["']`;
  return new RegExp(attribute).test(readFileSync(importer, "utf8"));
}

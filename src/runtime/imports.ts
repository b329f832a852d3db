/** What a user's module may import on Bun beyond what Bun itself can: `microrun`, `.proto` files, and in an executable any file. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, extname } from "node:path";

/** The same classes as ours, whether or not a `microrun` is installed beside the module. */
export function offerMicrorun(exports: Record<string, unknown>): void {
  Bun.plugin({
    name: "microrun",
    setup: (build) => void build.module("microrun", () => ({ exports, loader: "object" })),
  });
}

/** What Bun reads as what it holds; of any other file it gives the path, but in an executable takes it for code. */
const understood = /^\.([cm]?[jt]sx?|jsonc?|json5|toml|ya?ml|xml|txt|md|sh|css|html?|node|wasm|sqlite)$/;
/** Of a path, or of a file in a package: the dot in a package's own name begins no extension. */
const files = /\/.*\.(?!([cm]?[jt]sx?|json)$)[a-z0-9_-]+$/i;

/**
 * `import path from "./x.proto"`, or of another file, gives its absolute path; `with { type: "text" }` its text, as everywhere.
 * @param all not of `.proto` files alone
 */
export function offerFiles(all: boolean): void {
  let resolving = false;
  Bun.plugin({
    name: "files",
    setup(build) {
      build.onResolve({ filter: all ? files : /\.proto$/ }, ({ path, importer }) => {
        if (resolving || /^\w{2,}:/.test(path) || isBuns(importer, path)) return undefined;
        resolving = true; // resolveSync asks this plugin, too
        try {
          const file = Bun.resolveSync(path, dirname(importer));
          return understood.test(extname(file)) ? undefined : { path: file, namespace: "file-path" };
        } catch {
          return undefined; // Bun says it better
        } finally {
          resolving = false;
        }
      });
      build.onLoad({ filter: /.*/, namespace: "file-path" }, ({ path }) => ({
        exports: path.endsWith(".proto")
          ? { default: path, text: readFileSync(path, "utf8") }
          : { default: path },
        loader: "object",
      }));
    },
  });
}

/** Where the files of a compiled program seem to lie: its own, whose texts it holds. */
export const insideProgram: RegExp = /^(\/\$bunfs|[A-Z]:[\\/]~BUN)/;

/** A plugin is not told of import attributes, so the importer's source is asked. */
function isBuns(importer: string, path: string): boolean {
  if (insideProgram.test(importer) || !existsSync(importer)) return true;
  const text = readFileSync(importer, "utf8");
  const attribute = String.raw`["']${RegExp.escape(path)}["']\s*(with|,\s*\{\s*with:)\s*\{\s*["']?type["']?:\s*["']`;
  if (new RegExp(attribute).test(text)) return true;
  // of a computed name the attribute cannot be seen
  return !text.includes(path) && /\bwith\s*:\s*\{/.test(text);
}

/** What the bundler is told of a module's imports: files are reached beside the bundle, addons and secrets are remembered. */
import { readFileSync } from "node:fs";
import { extname, relative } from "node:path";
import { isSecret } from "./secrets.ts";

/** What the bundler itself understands; any other import is a file, of which the importer gets the path. */
const understood = /^\.([cm]?[jt]sx?|jsonc?|json5|toml|ya?ml|txt|md|sh|css|html?|node|wasm|sqlite)$/;

export interface Imported {
  /** Absolute paths of files whose path is imported. */
  readonly files: Set<string>;
  /** Of native addons. */
  readonly addons: Set<string>;
  /** What is imported and looks like a secret. */
  readonly secrets: Set<string>;
}

export interface ImportPlugin {
  readonly plugin: Bun.BunPlugin;
  readonly imported: Imported;
}

/** @param folder of the bundled module: where files are beside it they stay so */
export function importPlugin(folder: string): ImportPlugin {
  const imported = { files: new Set<string>(), addons: new Set<string>(), secrets: new Set<string>() };
  const attribute = attributeReader();
  const plugin: Bun.BunPlugin = {
    name: "imports",
    setup(build) {
      // a file that only the bundler knows is not found once a plugin was asked for it
      build.onResolve(
        { filter: /^(?!.*\bmicrorun-main\.js$).*\.[a-z0-9_-]+$/i },
        ({ path, importer, resolveDir, kind }) => {
          if (kind.startsWith("entry-point") || /^\w+:/.test(path)) return undefined;
          const wanted = attribute(importer, path);
          const code = understood.test(extname(path));
          if (code && wanted === undefined && !/\.(node|json|txt)$/.test(path)) return undefined;
          const file = resolved(path, resolveDir);
          if (file === undefined) return undefined;
          if (isSecret(file)) imported.secrets.add(file);
          if (file.endsWith(".node")) imported.addons.add(file);
          const asFile = wanted === undefined ? !understood.test(extname(file)) : wanted === "file";
          if (!asFile || extname(file) === "") return undefined;
          imported.files.add(file);
          return { path: posix(relative(folder, file)), namespace: "file-beside" };
        },
      );
      build.onLoad({ filter: /.*/, namespace: "file-beside" }, ({ path }) => ({
        contents: pathModule(folder, path),
        loader: "js",
      }));
    },
  };
  return { plugin, imported };
}

/** As at run time: the default is the path; of a `.proto`, `text` too. */
function pathModule(folder: string, path: string): string {
  const lines = [
    `import { join } from "node:path";`,
    `export default join(import.meta.dirname, ${JSON.stringify(path)});`,
  ];
  if (path.endsWith(".proto"))
    lines.push(`export const text = ${JSON.stringify(readFileSync(`${folder}/${path}`, "utf8"))};`);
  return lines.join("\n");
}

/** `with { type: "text" }`: a plugin is not told of it, so the importer's text is asked. */
function attributeReader(): (importer: string, path: string) => string | undefined {
  let last = "";
  let text = "";
  return (importer, path) => {
    if (importer !== last) text = readText(importer);
    last = importer;
    return /\btype\b/.test(text) ? attribute(text, path) : undefined;
  };
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function attribute(text: string, path: string): string | undefined {
  const said = String.raw`["']${RegExp.escape(path)}["']\s*(?:with|,\s*\{\s*with:)\s*\{\s*["']?type["']?:\s*["'](\w+)["']`;
  return new RegExp(said).exec(text)?.[1];
}

/** What leads nowhere is the bundler's to complain of. */
function resolved(path: string, folder: string): string | undefined {
  try {
    return Bun.resolveSync(path, folder);
  } catch {
    return undefined;
  }
}

/** As paths are written in a bundle. */
export function posix(path: string): string {
  return path.replaceAll("\\", "/");
}

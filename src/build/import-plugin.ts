/** What the bundler is told of a module's imports: files are reached beside the bundle, and each is what it is at run time. */
import { readFileSync } from "node:fs";
import { extname, relative } from "node:path";
import { namesKept } from "./class-names.ts";
import type { Fault } from "./faults.ts";

/** What is read as what it holds, at run time too; any other import is a file, of which the importer gets the path. */
const understood = /^\.([cm]?[jt]sx?|jsonc?|json5|toml|ya?ml|xml|txt|md|css|html?|node|sqlite)$/;
const code = /^\.[cm]?[jt]sx?$/;
export interface Imported {
  /** Absolute paths of files whose path is imported. */
  readonly files: Set<string>;
  /** Of native addons. */
  readonly addons: Set<string>;
  readonly faults: Fault[];
}

export interface ImportPlugin {
  readonly plugin: Bun.BunPlugin;
  readonly imported: Imported;
}

/** @param folder of the bundled module: where files are beside it they stay so */
export function importPlugin(folder: string): ImportPlugin {
  const imported: Imported = { files: new Set(), addons: new Set(), faults: [] };
  const plugin: Bun.BunPlugin = {
    name: "imports",
    setup: (build) => offerFiles(build, folder, imported),
  };
  return { plugin, imported };
}

function offerFiles(build: Bun.PluginBuilder, folder: string, { files, addons, faults }: Imported): void {
  const attribute = attributeReader();
  const noCode = new Set<string>();
  // a file that only the bundler knows is not found once a plugin was asked for it
  build.onResolve(
    { filter: /^(?!.*\bmicrorun-main\.js$).*\.[a-z0-9_-]+$/i },
    ({ path, importer, resolveDir, kind }) => {
      if (kind.startsWith("entry-point") || /^\w+:/.test(path)) return undefined;
      const wanted = attribute(importer, path);
      if (wanted === undefined && code.test(extname(path))) return undefined;
      const file = resolved(path, resolveDir);
      if (file === undefined) return undefined;
      const extension = extname(file);
      const fault = wanted === undefined || wanted === "sqlite" ? faultOf(extension, wanted) : undefined;
      if (fault !== undefined) faults.push({ kind: fault, specifier: path, referrer: importer });
      if (extension === ".node") addons.add(file);
      if (wanted !== undefined && code.test(extension)) noCode.add(file);
      const isFile = wanted === undefined ? !understood.test(extension) : wanted === "file";
      if (isFile && extension !== "") files.add(file);
      else if (fault === undefined && (extension !== ".css" || wanted !== undefined)) return undefined;
      return {
        path: posix(relative(folder, file)),
        namespace: isFile && extension !== "" ? "file-beside" : "nothing",
      };
    },
  );
  build.onLoad({ filter: /.*/, namespace: "file-beside" }, ({ path }) => ({
    contents: pathModule(folder, path),
    loader: "js",
  }));
  build.onLoad({ filter: /.*/, namespace: "nothing" }, () => ({
    contents: "export default {};",
    loader: "js",
  }));
  // of other people's code classes are seldom services
  build.onLoad({ filter: /^(?!.*[\\/]node_modules[\\/]).*\.[cm]?[jt]sx?$/ }, ({ path, loader }) => {
    const text = noCode.has(path) ? "" : readText(path);
    const names = namesKept(path, text);
    return names === "" ? undefined : { contents: text + names, loader };
  });
}

/** At run time a database is opened where it lies, and a page is Bun's own bundle of it. */
function faultOf(extension: string, wanted: string | undefined): Fault["kind"] | undefined {
  if (wanted === "sqlite" || extension === ".sqlite") return "database";
  return /^\.html?$/.test(extension) ? "page" : undefined;
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
  const said = String.raw`["']${RegExp.escape(path)}["']\s*(?:with|,\s*\{\s*with:)\s*\{[^}]*?["']?\btype["']?:\s*["'](\w+)["']`;
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

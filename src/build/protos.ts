/** The `.proto` files that sources name, read from their texts: the module is not run for it. */
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, parse, resolve } from "node:path";
import { usageError } from "../errors.ts";

/** How many folders of a project are searched. */
const maxFolders = 2000;
/** One of these lies at the top of a project. */
const tops = ["package.json", "tsconfig.json", "deno.json", ".git"];

/** A name that leads to no file. */
export interface MissingProto {
  /** Absolute path of the file that names it. */
  readonly source: string;
  /** From 1. */
  readonly line: number;
  /** As written. */
  readonly text: string;
}

export interface ProjectProtos {
  /** Absolute, sorted. */
  readonly protos: readonly string[];
  readonly missing: readonly MissingProto[];
}

/** @param folders what the names are relative to @returns absolute paths of those that exist */
export async function protosNamedIn(
  source: string,
  folders: readonly string[] = [dirname(source)],
): Promise<string[]> {
  const named = namesIn(await readFile(source, "utf8")).map(({ text }) => text);
  return [...new Set(named.flatMap((path) => existing(path, folders)))];
}

/**
 * What the sources' texts name, and the one of the module's stem. Of a path that is put together when it runs,
 * those of the project that end as its constant end does.
 * @param module as people wrote it
 * @throws MicrorunError `invalid_argument` when the schema that the module itself names is not there
 */
export async function projectProtos(
  module: string,
  entry: string,
  sources: readonly string[],
): Promise<ProjectProtos> {
  const { dir, name } = parse(entry);
  const there = new Set<string>(existing(`${name}.proto`, [dir]));
  const missing: MissingProto[] = [];
  let all: Promise<readonly string[]> | undefined;
  for (const source of sources) {
    const code = await readFile(source, "utf8");
    for (const { text, line } of namesIn(code)) {
      let found = existing(text, [dir, dirname(source)]);
      const isOwn = source === entry && isSchema(code, text);
      if (found.length === 0 && !(isOwn && text.startsWith("."))) {
        all ??= protosBelow(topOf(dir));
        found = endingIn(await all, text);
      }
      if (found.length === 0 && isOwn)
        throw usageError(
          `cannot bundle ${module}: its proto ${text} is missing`,
          "name one that is there, or give it by --proto",
        );
      for (const path of found) there.add(path);
      if (found.length === 0) missing.push({ source, line, text });
    }
  }
  return { protos: [...there].sort(), missing };
}

/** What comments say is left out, as far as whole lines are comments. */
function namesIn(code: string): { text: string; line: number }[] {
  return code.split("\n").flatMap((text, at) =>
    /^\s*(\/\/|\/?\*)/.test(text)
      ? []
      : [...text.matchAll(/["'`]([^"'`\n]+\.proto)["'`]/g)].map(([, path]) => ({
          text: path!,
          line: at + 1,
        })),
  );
}

function existing(path: string, folders: readonly string[]): string[] {
  return folders.map((folder) => resolve(folder, path)).filter((file) => existsSync(file));
}

/** `proto: "./greeter.proto"`, of a service or exported. */
function isSchema(code: string, path: string): boolean {
  if (path.includes("${")) return false;
  return new RegExp(
    String.raw`(^|[{,]\s*|export const )proto\s*[:=]\s*(\[[^\]]*)?["'\`]${RegExp.escape(path)}["'\`]`,
    "m",
  ).test(code);
}

function endingIn(files: readonly string[], text: string): string[] {
  const end = text.replace(/^.*\}/, "").replace(/^(\.{0,2}\/)+/, "");
  return end.startsWith(".") ? [] : files.filter((file) => file.replaceAll("\\", "/").endsWith(`/${end}`));
}

function topOf(folder: string): string {
  for (let at = folder; dirname(at) !== at; at = dirname(at))
    if (tops.some((name) => existsSync(join(at, name)))) return at;
  return folder;
}

async function protosBelow(top: string): Promise<readonly string[]> {
  const folders = [top];
  const files: string[] = [];
  for (const folder of folders) {
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      const path = join(folder, entry.name);
      const isOwn = entry.name !== "node_modules" && !entry.name.startsWith(".");
      if (entry.isDirectory() && isOwn && folders.length < maxFolders) folders.push(path);
      if (entry.isFile() && path.endsWith(".proto")) files.push(path);
    }
  }
  return files;
}

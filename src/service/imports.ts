/** Which file imports which, read from their texts: for errors in which the engine names no file. */
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/** How many files are read. */
const maxFiles = 1000;

export interface Import {
  readonly from: string;
  /** The text of `from`. */
  readonly text: string;
  /** As written: an extension may be missing. */
  readonly to: string;
}

/** By paths alone, not of packages; the first imported first. */
export async function* importsOf(file: string, seen: Set<string> = new Set()): AsyncGenerator<Import> {
  if (seen.has(file) || seen.size === maxFiles) return;
  seen.add(file);
  const text = await readFile(file, "utf8").catch(() => "");
  for (const [, path] of text.matchAll(/\b(?:from|import)\s*\(?\s*["'](\.{1,2}\/[^"']+)["']/g)) {
    const to = resolve(dirname(file), path!);
    yield { from: file, text, to };
    if (/\.[cm]?[jt]sx?$/.test(to)) yield* importsOf(to, seen);
  }
}

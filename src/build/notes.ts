/** What a bundler cannot carry along, told with its place. */
import { readFile } from "node:fs/promises";
import { dirname, extname } from "node:path";
import { computedImports } from "./computed-imports.ts";

/** How many places are told. */
const maxNotes = 20;
const ownPath = /\bimport\.meta\.(dir|dirname|path|filename|url)\b|\b__(dir|file)name\b/;
const packageOf = /^.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/;

/** Without those of packages. */
export function ownSources(sources: readonly string[]): string[] {
  return sources.filter((path) => !packageOf.test(path));
}

/** @param folder of the module @param named what people call a file */
export async function notesOf(
  sources: readonly string[],
  folder: string,
  named: (file: string) => string,
): Promise<string[]> {
  const notes: string[] = [];
  const packages = new Set<string>();
  for (const source of sources.filter((path) => /^\.[cm]?[jt]sx?$/.test(extname(path)))) {
    const text = await readFile(source, "utf8");
    const computed = computedImports(text).map(({ line, text }) => ({
      at: `${named(source)}:${line}`,
      text,
    }));
    const [, from] = packageOf.exec(source) ?? [];
    if (from !== undefined) {
      const [first] = computed;
      if (first === undefined || packages.has(from)) continue;
      packages.add(from);
      notes.push(`${from}: ${first.text} is resolved when the service runs (${first.at})`);
      continue;
    }
    for (const { at, text: call } of computed) {
      const isWorker = call.startsWith("new");
      notes.push(
        isWorker
          ? `${at}: ${call}: a worker's file is not bundled; name it by --include`
          : `${at}: ${call} is resolved when the service runs; name what it finds by --include`,
      );
    }
    const line = text.split("\n").findIndex((line) => ownPath.test(line));
    if (line >= 0 && dirname(source) !== folder)
      notes.push(
        `${named(source)}:${line + 1}: when it runs this path is the module's, in whose file it is bundled`,
      );
  }
  const more = notes.length - maxNotes;
  return more > 0 ? [...notes.slice(0, maxNotes), `and ${more} more of this kind`] : notes;
}

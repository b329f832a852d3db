/** What a bundler cannot carry along, told with its place. */
import { readFile } from "node:fs/promises";
import { dirname, extname } from "node:path";
import { computedImports, type Found } from "./computed-imports.ts";

/** How many places are told. */
const maxNotes = 20;
const ownPath = /\bimport\.meta\.(dir|dirname|path|filename|url)\b|\b__(dir|file)name\b/;
/** What reads files by such a path. */
const reads =
  /\b(readFile|readFileSync|createReadStream|readdir|readdirSync|loadSync|dlopen)\b|\bBun\.file\b/;
const comment = /^\s*(\/\/|\/?\*)/;
const packageOf = /^.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/;

/** Without those of packages. */
export function ownSources(sources: readonly string[]): string[] {
  return sources.filter((path) => !packageOf.test(path));
}

interface Source {
  readonly path: string;
  /** As people call it. */
  readonly name: string;
  readonly text: string;
  readonly computed: readonly Found[];
  /** The line, from 1, that asks where the source lies; 0 for none. */
  readonly ownPathLine: number;
}

/** @param folder of the module @param named what people call a file */
export async function notesOf(
  sources: readonly string[],
  folder: string,
  named: (file: string) => string,
): Promise<string[]> {
  const notes: string[] = [];
  const told = new Set<string>();
  for (const path of sources.filter((path) => /^\.[cm]?[jt]sx?$/.test(extname(path)))) {
    const text = await readFile(path, "utf8");
    const isAsked = (line: string) => ownPath.test(line) && !comment.test(line);
    const ownPathLine = text.split("\n").findIndex(isAsked) + 1;
    const source = { path, name: named(path), text, computed: computedImports(text), ownPathLine };
    const [, from] = packageOf.exec(path) ?? [];
    notes.push(...(from === undefined ? notesOfOwn(source, folder) : notesOfPackage(source, from, told)));
  }
  const more = notes.length - maxNotes;
  return more > 0 ? [...notes.slice(0, maxNotes), `and ${more} more of this kind`] : notes;
}

function notesOfOwn({ path, name, computed, ownPathLine }: Source, folder: string): string[] {
  const notes = computed.map(({ line, text }) =>
    text.startsWith("new")
      ? `${name}:${line}: ${text}: a worker's file is not bundled; name it by --include, as JavaScript`
      : `${name}:${line}: ${text} is resolved when the service runs; name what it finds by --include`,
  );
  if (ownPathLine > 0 && dirname(path) !== folder)
    notes.push(`${name}:${ownPathLine}: when it runs this path is the module's, in whose file it is bundled`);
  return notes;
}

/** @param told what was said of packages before: once is enough */
function notesOfPackage(
  { name, text, computed, ownPathLine }: Source,
  from: string,
  told: Set<string>,
): string[] {
  const [call] = computed;
  const notes = {
    ...(call && { call: `${from}: ${call.text} is resolved when the service runs (${name}:${call.line})` }),
    ...(ownPathLine > 0 &&
      reads.test(text) && {
        files: `${from}: files that it reads beside its own are not bundled (${name}:${ownPathLine})`,
      }),
  };
  return Object.entries(notes).flatMap(([kind, note]) => {
    if (told.has(`${kind} ${from}`)) return [];
    told.add(`${kind} ${from}`);
    return [note];
  });
}

/** What a look at a file or folder shows, and how long that may be otherwise in a moment. */
import { type Code, MicrorunError } from "../errors.ts";
import type { ConfigData } from "./config.ts";
import { type EntryFormat, readEntries } from "./documents.ts";
import { type Contents, readContents } from "./file-contents.ts";

/** How long a file may be half written or away before that is what it is, ms. */
const graceMs = 100;
/** How long one that was emptied may be empty: shells and editors do that before they write, ms. */
export const emptiedMs = 500;

/** Undefined: nothing new. */
export type Look =
  | (Pick<Contents, "entries" | "left"> & { readonly tree: ConfigData })
  | { readonly fault: MicrorunError }
  | undefined;

/** Of a file that is not there, or may not be read. */
export const absences: readonly Code[] = ["not_found", "permission_denied"];

export function looker(path: string, format: EntryFormat): () => Promise<Look> {
  let stamp: string | undefined;
  return async () => {
    const known = stamp;
    // what was unreadable for a while is read again, though its stamp may be the same
    stamp = undefined;
    try {
      const contents = await readContents(path, known);
      stamp = contents === undefined ? known : contents.stamp;
      if (contents === undefined) return undefined;
      const { entries, left } = contents;
      return { tree: readEntries(entries, format), entries, left };
    } catch (error) {
      return { fault: MicrorunError.from(error) };
    }
  };
}

/**
 * How long what was seen is not to be relied on, ms: files are written piece by piece, and replaced by being removed first.
 * @param filled names of the entries that were not empty; undefined: this is the first look
 */
export function doubtOf(seen: Look, filled: readonly string[] | undefined): number {
  if (seen === undefined) return 0;
  if ("fault" in seen) return filled === undefined && absences.includes(seen.fault.code) ? 0 : graceMs;
  return filled?.some((name) => isBlank(seen.entries[name])) ? emptiedMs : 0;
}

/** Names of the entries that are not empty. */
export function filledNames({ entries }: Pick<Contents, "entries">): string[] {
  return Object.keys(entries).filter((name) => !isBlank(entries[name]));
}

/** Empty, not away. */
function isBlank(text: string | undefined): boolean {
  return text?.trim() === "";
}

/** A file or a folder as a source: read whole, watched, and read again when it may have changed. */
import { type Code, MicrorunError } from "../errors.ts";
import type { Log } from "../log.ts";
import { pause } from "../wait.ts";
import type { ConfigData, ConfigSource } from "./config.ts";
import { type EntryFormat, readEntries } from "./documents.ts";
import { readContents } from "./file-contents.ts";
import { fileWatch } from "./file-watch.ts";
import { sameValue } from "./merge.ts";

/** How often a path is looked at whose changes nobody reports (network file systems, too many watches), ms. */
export const defaultPollMs = 2000;
/** How long after an event the path is read, so that a burst of them is read once, ms. */
const settleMs = 20;
/** How long a file may be half written, empty or away before that is what it is, ms. */
const graceMs = 100;

export interface FileOptions {
  readonly log: Log;
  /** A start without it fails. @default false */
  readonly required?: boolean;
  /** Nothing is said where it never was there, or may not be read. @default false */
  readonly optional?: boolean;
  /** What becomes of a file without a known extension. @default "lines" */
  readonly format?: EntryFormat;
  /** @default 2000 */
  readonly pollMs?: number;
}

/** What a look showed; undefined: nothing new. */
type Look =
  | { readonly tree: ConfigData; readonly empty: boolean }
  | { readonly fault: MicrorunError }
  | undefined;

/** Of a file that is not there, or may not be read. */
const absences: readonly Code[] = ["not_found", "permission_denied"];

/**
 * A file is one entry under its name; a folder has one for each file in it, as a mounted ConfigMap: no hidden ones, no folders.
 * A relative path begins where the process runs.
 */
export function fileSource(path: string, options: FileOptions): ConfigSource {
  const { log, required = false, optional = false, format = "lines", pollMs = defaultPollMs } = options;
  return {
    name: `file:${path}`,
    required,
    optional,
    async *watch(signal, tell) {
      const watch = fileWatch(path, log, signal);
      const look = looker(path, format, log);
      let given: ConfigData | undefined;
      let there = false;
      let told: string | undefined;
      try {
        for (let first = true; !signal.aborted; first = false) {
          await watch.listen();
          let seen = await look();
          if (isDoubtful(seen, first, given)) {
            await pause(graceMs, signal);
            seen = (await look()) ?? seen;
          }
          if (signal.aborted) break;
          if (seen !== undefined && "fault" in seen) {
            const { fault } = seen;
            const unsaid = optional && !there && absences.includes(fault.code);
            if (!unsaid && fault.message !== told) {
              told = fault.message;
              tell(fault);
            }
            if (given === undefined && !required && (unsaid || fault.code === "not_found")) {
              given = Object.create(null) as ConfigData;
              yield given;
            }
          } else if (seen !== undefined) {
            there = true;
            if (told !== undefined) tell(undefined);
            told = undefined;
            if (given === undefined || !sameValue(seen.tree, given)) {
              given = seen.tree;
              yield given;
            }
          }
          await watch.event(pollMs);
          await pause(settleMs, signal);
        }
      } finally {
        watch.close();
      }
    },
  };
}

/** Files are written piece by piece, and replaced by being removed first. */
function isDoubtful(seen: Look, first: boolean, given: ConfigData | undefined): boolean {
  if (seen === undefined) return false;
  if ("fault" in seen) return !first || !absences.includes(seen.fault.code);
  return seen.empty && given !== undefined && Object.keys(given).length > 0;
}

function looker(path: string, format: EntryFormat, log: Log): () => Promise<Look> {
  let stamp: string | undefined;
  let left = "";
  return async () => {
    const known = stamp;
    // what was unreadable for a while is read again, though its stamp may be the same
    stamp = undefined;
    try {
      const contents = await readContents(path, known);
      stamp = contents === undefined ? known : contents.stamp;
      if (contents === undefined) return undefined;
      const names = contents.left.join(", ");
      if (names !== left && names !== "") log.info(`${path}: left out, since they are no texts: ${names}`);
      left = names;
      const empty = Object.values(contents.entries).every((text) => text.trim() === "");
      return { tree: readEntries(contents.entries, format), empty };
    } catch (error) {
      return { fault: MicrorunError.from(error) };
    }
  };
}

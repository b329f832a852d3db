/** What is left out of each source's tree though nothing is wrong with the source, and the log lines that say so. */
import type { Log } from "../log.ts";
import type { ConfigSource } from "./config.ts";

/** Entries named at once. */
const maxListed = 5;

export interface SourceNote {
  readonly source: string;
  readonly note: string;
}

export interface Notes {
  /** From now on these entries are left out. */
  set(source: ConfigSource, entries: readonly string[]): void;
  /** In the order of the sources. */
  readonly all: readonly SourceNote[];
}

export function trackNotes(order: readonly ConfigSource[], log: Log): Notes {
  const standing = new Map<ConfigSource, string>();
  return {
    set(source, entries) {
      const note = noteOf(entries);
      if (note === standing.get(source)) return;
      if (note === undefined) standing.delete(source);
      else {
        standing.set(source, note);
        log.info(`config source ${source.name}: ${note}`);
      }
    },
    get all() {
      return order.flatMap((source) => {
        const note = standing.get(source);
        return note === undefined ? [] : [{ source: source.name, note }];
      });
    },
  };
}

function noteOf(entries: readonly string[]): string | undefined {
  if (entries.length === 0) return undefined;
  const more = entries.length - maxListed;
  const names = entries.slice(0, maxListed).join(", ") + (more > 0 ? ` and ${more} more` : "");
  return `left out, since ${entries.length === 1 ? "it is" : "they are"} no text in UTF-8: ${names}`;
}

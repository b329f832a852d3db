/** A file or a folder as a source: read whole, watched, and read again when it may have changed. */
import type { Log } from "../log.ts";
import { pause } from "../wait.ts";
import type { ConfigData, ConfigSource } from "./config.ts";
import type { EntryFormat } from "./documents.ts";
import { absences, doubtOf, filledNames, type Look, looker } from "./file-look.ts";
import { fileWatch } from "./file-watch.ts";
import { sameValue } from "./merge.ts";

/** How often a path is looked at whose changes nobody reports (network file systems, too many watches), ms. */
export const defaultPollMs = 2000;
/** How long after an event the path is read, so that a burst of them is read once, ms. */
const settleMs = 20;

export interface FileOptions {
  readonly log: Log;
  /** A start without it fails. @default false */
  readonly required?: boolean;
  /** Nothing is said where it never was there, or may not be read. @default false */
  readonly optional?: boolean;
  /** Its values are never shown: a mounted Secret. @default false */
  readonly secret?: boolean;
  /** What becomes of a file without a known extension. @default "lines", of what is secret "raw" */
  readonly format?: EntryFormat;
  /** @default 2000 */
  readonly pollMs?: number;
}

/**
 * A file is one entry under its name; a folder has one for each file in it, as a mounted ConfigMap: no hidden ones, no folders.
 * A relative path begins where the process runs.
 */
export function fileSource(path: string, options: FileOptions): ConfigSource {
  const { log, required = false, optional = false, secret = false, pollMs = defaultPollMs } = options;
  const format = options.format ?? (secret ? "raw" : "lines");
  return {
    name: `file:${path}`,
    secret,
    required,
    optional,
    async *watch(signal, tell, leaveOut) {
      const watch = fileWatch(path, log, signal);
      const look = looker(path, format);
      const see = async (): Promise<Look> => {
        await watch.listen();
        return look();
      };
      let given: ConfigData | undefined;
      let filled: readonly string[] | undefined;
      let there = false;
      let told: string | undefined;
      try {
        while (!signal.aborted) {
          let seen = await see();
          const since = performance.now();
          for (;;) {
            const doubtMs = doubtOf(seen, filled) - (performance.now() - since);
            if (doubtMs <= 0 || signal.aborted) break;
            await watch.event(Math.min(doubtMs, pollMs));
            await pause(settleMs, signal);
            seen = (await see()) ?? seen;
          }
          if (signal.aborted) break;
          filled ??= [];
          if (seen !== undefined && "fault" in seen) {
            const { fault } = seen;
            const unsaid = optional && !there && absences.includes(fault.code);
            const message = unsaid ? undefined : fault.message;
            if (message !== told) tell(unsaid ? undefined : fault);
            told = message;
            if (given === undefined && !required && (unsaid || fault.code === "not_found")) {
              given = Object.create(null) as ConfigData;
              yield given;
            }
          } else if (seen !== undefined) {
            there = true;
            if (told !== undefined) tell(undefined);
            told = undefined;
            filled = filledNames(seen);
            leaveOut?.(seen.left);
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

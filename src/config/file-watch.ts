/** Wakes whoever waits for changes in folders. */
import { type FSWatcher, watch } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { errorText } from "../errors.ts";
import type { Log } from "../log.ts";
import { pause } from "../wait.ts";

export interface FileWatch {
  /** Listens from now on where the path leads now. A folder that cannot be listened to is left to whoever polls. */
  listen(): Promise<void>;
  /** Resolves when something has happened since the last call, after `ms`, and when aborted. */
  event(ms: number): Promise<void>;
  close(): void;
}

interface Listener {
  readonly watcher: FSWatcher;
  /** The folder itself, whatever is at its path now. */
  readonly of: string;
}

/**
 * Of a file the folder that it is in is listened to, since files are replaced by others; of a link the one that it leads to as
 * well, and of a folder the folder itself.
 */
export function fileWatch(path: string, log: Log, signal: AbortSignal): FileWatch {
  const listeners = new Map<string, Listener>();
  let happened = new AbortController();
  const wake = (): void => happened.abort();
  const close = (): void => {
    for (const { watcher } of listeners.values()) watcher.close();
    listeners.clear();
  };
  const end = (): void => {
    wake();
    close();
  };
  signal.addEventListener("abort", end, { once: true });

  function start(folder: string, of: string): void {
    try {
      const watcher = watch(folder, wake);
      watcher.on("error", () => {});
      listeners.set(folder, { watcher, of });
    } catch (error) {
      log.debug(`${folder} cannot be watched, it is polled: ${errorText(error)}`);
    }
  }

  return {
    async listen() {
      const folders = await foldersOf(path);
      for (const [folder, { watcher, of }] of listeners) {
        if (folders.get(folder) === of) continue;
        watcher.close();
        listeners.delete(folder);
      }
      if (signal.aborted) return;
      for (const [folder, of] of folders) if (!listeners.has(folder)) start(folder, of);
    },
    async event(ms) {
      await pause(ms, happened.signal);
      if (!signal.aborted) happened = new AbortController();
    },
    close() {
      signal.removeEventListener("abort", end);
      close();
    },
  };
}

/** Each with what tells it from another at the same path. */
async function foldersOf(path: string): Promise<Map<string, string>> {
  const real = await realpath(path).catch(() => undefined);
  const folders = new Map<string, string>();
  for (const place of new Set([resolve(path), real ?? resolve(path)])) {
    for (const folder of [dirname(place), place]) {
      const stats = await stat(folder).catch(() => undefined);
      if (stats?.isDirectory()) folders.set(folder, `${stats.dev} ${stats.ino}`);
    }
  }
  return folders;
}

/** Who is told of changes: loops over whole snapshots, and callbacks for one value. */
import { MicrorunError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Config, ConfigValue } from "./config.ts";
import { sameValue } from "./merge.ts";
import { find } from "./snapshot.ts";

/** How many callbacks may wait for changes at once. */
export const maxWatchers = 1000;

export interface Watchers {
  /** As `Config.changes`. */
  changes(signal: AbortSignal): AsyncGenerator<Config>;
  /**
   * As `Config.watch`, from the value that the caller saw in `seen`.
   * @throws MicrorunError `resource_exhausted` beyond `maxWatchers`
   */
  // biome-ignore lint/suspicious/noExplicitAny: as in Config.get
  watch(seen: Config, path: string, changed: (value: any) => void): () => void;
  /** The snapshot is another. */
  notify(): void;
}

interface Watcher {
  readonly path: readonly string[];
  last: ConfigValue | undefined;
  readonly changed: (value: unknown) => unknown;
}

/** @param closed aborted: nobody is told any more */
export function watchers(current: () => Config, closed: AbortSignal, log: Log): Watchers {
  const wakers = new Set<() => void>();
  const callbacks = new Set<Watcher>();

  async function* changes(asked: AbortSignal): AsyncGenerator<Config> {
    const signal = AbortSignal.any([asked, closed]);
    let next = Promise.withResolvers<void>();
    const wake = (): void => next.resolve();
    wakers.add(wake);
    signal.addEventListener("abort", wake);
    try {
      let seen: Config | undefined;
      while (!signal.aborted) {
        next = Promise.withResolvers();
        if (seen !== current()) {
          seen = current();
          yield seen;
        } else {
          await next.promise;
        }
      }
    } finally {
      wakers.delete(wake);
      signal.removeEventListener("abort", wake);
    }
  }

  const look = (watcher: Watcher): void => {
    if (!callbacks.has(watcher) || closed.aborted) return;
    const value = find(current().data, watcher.path);
    if (sameValue(value, watcher.last)) return;
    watcher.last = value;
    // theirs: neither what it throws nor what it rejects with may stop us
    Promise.try(watcher.changed, value).catch((error) => {
      log.error(`config.watch("${watcher.path.join(".")}") failed`, { error });
    });
  };

  return {
    changes,
    watch(seen, path, changed) {
      if (callbacks.size >= maxWatchers) {
        throw new MicrorunError(
          "resource_exhausted",
          `config.watch("${path}"): ${maxWatchers} watch already`,
          {
            hint: "watch where the service starts, not in each call, or call what watch returned when done",
          },
        );
      }
      const words = path.split(".");
      const watcher: Watcher = { path: words, last: find(seen.data, words), changed };
      callbacks.add(watcher);
      if (seen !== current()) queueMicrotask(() => look(watcher));
      return () => callbacks.delete(watcher);
    },
    notify() {
      for (const wake of wakers) wake();
      for (const watcher of [...callbacks]) look(watcher);
    },
  };
}

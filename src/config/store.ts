/** Watches the sources and holds the latest merged snapshot. */
import type { Log } from "../log.ts";
import type { Config, ConfigData, ConfigSource } from "./config.ts";
import { mergeTrees, parsePath, valueAt } from "./snapshot.ts";

export interface ConfigStore extends AsyncDisposable {
  /** The present snapshot. */
  readonly current: Config;
}

/** Later sources win. Resolves when each has given its first tree. */
export async function openConfig(sources: readonly ConfigSource[], log: Log): Promise<ConfigStore> {
  const stop = new AbortController();
  const trees: ConfigData[] = sources.map(() => ({}));
  const waiting = new Set<() => void>();
  let current = snapshot({});

  function snapshot(data: ConfigData): Config {
    return { get: (...args) => lookup(data, args), data, changes };
  }

  function settle(index: number, tree: ConfigData): void {
    trees[index] = tree;
    const merged = mergeTrees(trees);
    if (JSON.stringify(merged) === JSON.stringify(current.data)) return;
    current = snapshot(merged);
    for (const wake of waiting) wake();
  }

  async function* changes(signal: AbortSignal): AsyncGenerator<Config> {
    const ends = AbortSignal.any([signal, stop.signal]);
    let seen: Config | undefined;
    while (!ends.aborted) {
      if (seen !== current) {
        seen = current;
        yield seen;
        continue;
      }
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          waiting.delete(wake);
          ends.removeEventListener("abort", wake);
          resolve();
        };
        waiting.add(wake);
        ends.addEventListener("abort", wake);
      });
    }
  }

  const followers = sources.map((source, index) => {
    const first = Promise.withResolvers<void>();
    const follow = async (): Promise<void> => {
      try {
        for await (const tree of source.watch(stop.signal)) {
          settle(index, tree);
          first.resolve();
        }
      } catch (error) {
        log.error(`config source ${source.name} failed: its last values stay`, { error });
      } finally {
        first.resolve();
      }
    };
    return { first: first.promise, done: follow() };
  });
  await Promise.all(followers.map(({ first }) => first));

  return {
    get current() {
      return current;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.all(followers.map(({ done }) => done));
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: as in Config.get
function lookup(data: ConfigData, args: readonly unknown[]): any {
  const { path, fallback } = parsePath(args);
  return valueAt(data, path) ?? fallback;
}

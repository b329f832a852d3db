/** What is told from time to time: the last of it is kept, and whoever follows is told the rest. */

export interface Feed<T> {
  /** What is kept, the oldest first. */
  readonly records: () => readonly T[];
  /** Told of each one from now on, until the returned function is called. */
  readonly follow: (told: (one: T) => void) => () => void;
}

export interface OwnFeed<T> extends Feed<T> {
  readonly push: (one: T) => void;
}

/** Waiting for a slow reader; the oldest are dropped. */
const maxWaiting = 1024;

/** @param most how many are kept */
export function createFeed<T>(most: number): OwnFeed<T> {
  const kept: T[] = [];
  const followers = new Set<(one: T) => void>();
  return {
    records: () => kept,
    follow(told) {
      followers.add(told);
      return () => followers.delete(told);
    },
    push(one) {
      kept.push(one);
      if (kept.length > most) kept.shift();
      for (const told of followers) told(one);
    },
  };
}

export interface ReadOptions<T> {
  /** Which of those that are kept. @default all */
  readonly past?: (kept: readonly T[]) => readonly T[];
  /** Go on with what is told from now on. @default true */
  readonly stream?: boolean;
  readonly signal: AbortSignal;
}

/** Ends without an error when aborted. */
export async function* readFeed<T>(
  feed: Feed<T>,
  { past = (kept) => kept, stream = true, signal }: ReadOptions<T>,
): AsyncGenerator<T> {
  const waiting: T[] = [];
  let wake = (): void => {};
  const unfollow = feed.follow((one) => {
    waiting.push(one);
    if (waiting.length > maxWaiting) waiting.shift();
    wake();
  });
  const woken = (): void => wake();
  try {
    yield* past([...feed.records()]);
    signal.addEventListener("abort", woken);
    while (stream && !signal.aborted) {
      yield* waiting.splice(0);
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (signal.aborted || waiting.length > 0) resolve();
      });
    }
  } finally {
    unfollow();
    signal.removeEventListener("abort", woken);
  }
}

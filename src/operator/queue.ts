/** Keys to be looked at: each once however often it is named, by one worker at a time, again after a while where that failed. */
import type { Clock } from "./operator.ts";

export interface QueueBounds {
  /** How many keys are worked on at once. */
  readonly workers: number;
  /** The wait after a first failure, doubled after each up to the last, in ms. */
  readonly firstRetryMs: number;
  readonly lastRetryMs: number;
}

export const queueBounds: QueueBounds = { workers: 4, firstRetryMs: 500, lastRetryMs: 60_000 };

export interface QueueOptions {
  readonly work: (key: string) => Promise<void>;
  /** Told of each failure, and of the wait that follows. */
  readonly failed: (key: string, error: unknown, waitMs: number) => void;
  readonly clock: Clock;
  /** @default Math.random */
  readonly random?: () => number;
}

/** Disposing it waits for the work under way and begins no more. */
export interface Queue extends AsyncDisposable {
  add(key: string): void;
}

export function workQueue(options: QueueOptions, bounds: QueueBounds = queueBounds): Queue {
  const { work, failed, clock, random = Math.random } = options;
  /** In the order in which they came. */
  const waiting = new Set<string>();
  const running = new Map<string, Promise<void>>();
  const failures = new Map<string, number>();
  const retries = new Map<string, AbortController>();
  let closed = false;

  const add = (key: string): void => {
    if (closed) return;
    retries.get(key)?.abort();
    waiting.add(key);
    begin();
  };
  const begin = (): void => {
    for (const key of waiting) {
      if (running.size >= bounds.workers) return;
      // it is named anew while it is worked on: what it was then may be old
      if (running.has(key)) continue;
      waiting.delete(key);
      running.set(key, run(key));
    }
  };
  const run = async (key: string): Promise<void> => {
    try {
      // nothing runs within the turn that named it
      await Promise.resolve();
      await work(key);
      failures.delete(key);
    } catch (error) {
      if (!closed) retryLater(key, error);
    }
    running.delete(key);
    if (!closed) begin();
  };
  const retryLater = (key: string, error: unknown): void => {
    const count = failures.get(key) ?? 0;
    failures.set(key, count + 1);
    const most = Math.min(bounds.firstRetryMs * 2 ** count, bounds.lastRetryMs);
    // many that failed together are not to come together
    const waitMs = most / 2 + (random() * most) / 2;
    failed(key, error, waitMs);
    const retry = new AbortController();
    retries.set(key, retry);
    void clock.pause(waitMs, retry.signal).then(() => {
      if (retries.get(key) === retry) retries.delete(key);
      if (!retry.signal.aborted) add(key);
    });
  };

  return {
    add,
    async [Symbol.asyncDispose]() {
      closed = true;
      waiting.clear();
      for (const retry of retries.values()) retry.abort();
      await Promise.all(running.values());
    },
  };
}

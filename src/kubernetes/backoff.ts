/** Waits between attempts, longer each time, spread so that many clients do not come at once. */

export interface Backoff {
  /** How long to wait before the next attempt, in ms: anything up to a limit that doubles. */
  next(): number;
  /** It went well. */
  reset(): void;
}

export interface BackoffBounds {
  /** The first limit, in ms. */
  readonly firstMs: number;
  /** The last limit, in ms. */
  readonly lastMs: number;
}

export function backoff({ firstMs, lastMs }: BackoffBounds): Backoff {
  let limit = firstMs;
  return {
    next: () => {
      const wait = Math.random() * limit;
      limit = Math.min(limit * 2, lastMs);
      return wait;
    },
    reset: () => {
      limit = firstMs;
    },
  };
}

/** Resolves after `ms` or when aborted, and leaves no listener behind: it is called as long as the process lives. */
export async function rest(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = () => resolve();
  const timer = setTimeout(done, ms);
  signal.addEventListener("abort", done, { once: true });
  await promise;
  clearTimeout(timer);
  signal.removeEventListener("abort", done);
}

/** A clock that tests turn: time goes on when it is told to, and not otherwise. */
import type { Clock } from "./operator.ts";

export interface ManualClock extends Clock {
  /** Lets `ms` pass, waking who waits in their order. */
  pass(ms: number): Promise<void>;
}

export function manualClock(): ManualClock {
  let now = 0;
  const waiting = new Set<{ readonly at: number; readonly wake: () => void }>();
  /** Whatever was woken runs until it waits again. */
  const settle = async (): Promise<void> => {
    for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    now: () => now,
    async pause(ms, signal) {
      if (ms <= 0 || signal.aborted) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const waiter = { at: now + ms, wake: resolve };
      waiting.add(waiter);
      signal.addEventListener("abort", () => resolve(), { once: true });
      await promise;
      waiting.delete(waiter);
    },
    async pass(ms) {
      const end = now + ms;
      await settle();
      for (;;) {
        const [next] = [...waiting].sort((a, b) => a.at - b.at);
        if (next === undefined || next.at > end) break;
        now = Math.max(now, next.at);
        waiting.delete(next);
        next.wake();
        await settle();
      }
      now = end;
    },
  };
}

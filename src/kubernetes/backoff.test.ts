import { expect, test } from "bun:test";
import { backoff, rest } from "./backoff.ts";

test("waits lie anywhere below a limit that doubles up to the last, and begins anew after success", () => {
  const limits = [100, 200, 400, 800, 1000, 1000];
  const seen = limits.map(() => new Set<number>());
  for (let run = 0; run < 200; run++) {
    const waits = backoff({ firstMs: 100, lastMs: 1000 });
    for (const [at, limit] of limits.entries()) {
      const wait = waits.next();
      expect(wait).toBeWithin(0, limit);
      seen[at]!.add(wait > limit / 2 ? 1 : 0);
    }
    waits.reset();
    expect(waits.next()).toBeWithin(0, 100);
  }
  expect(seen.map((halves) => halves.size)).toEqual(limits.map(() => 2));
});

test("a rest ends when it is stopped, and leaves no listener behind", async () => {
  const stop = new AbortController();
  const listening = new Set<unknown>();
  const { signal } = stop;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...given: Parameters<typeof addEventListener>) => {
    listening.add(given[1]);
    addEventListener.apply(signal, given);
  };
  signal.removeEventListener = (...given: Parameters<typeof removeEventListener>) => {
    listening.delete(given[1]);
    removeEventListener.apply(signal, given);
  };
  await rest(0, signal);
  expect(listening.size).toBe(0);
  const long = rest(1e9, signal);
  expect(listening.size).toBe(1);
  stop.abort();
  await long;
  await rest(1e9, signal);
});

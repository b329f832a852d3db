import { expect, test } from "bun:test";
import { createRateLimit } from "./rate-limit.ts";

function clock(): { now: () => number; pass(ms: number): void } {
  let time = 0;
  return {
    now: () => time,
    pass: (ms) => {
      time += ms;
    },
  };
}

test("a bucket gives its burst, then as much as time brings", () => {
  const { now, pass } = clock();
  const limit = createRateLimit({ limit: 10, windowMs: 1000, burst: 3, now });
  expect([1, 2, 3, 4].map(() => limit.take("a").allowed)).toEqual([true, true, true, false]);
  expect(limit.take("a")).toEqual({ allowed: false, limit: 3, remaining: 0, resetMs: 300, retryMs: 100 });
  pass(100);
  expect(limit.take("a")).toEqual({ allowed: true, limit: 3, remaining: 0, resetMs: 300, retryMs: 0 });
  expect(limit.take("a").allowed).toBe(false);
});

test("a bucket never holds more than its burst", () => {
  const { now, pass } = clock();
  const limit = createRateLimit({ limit: 2, now });
  limit.take("a");
  pass(60_000);
  expect([1, 2, 3].map(() => limit.take("a").allowed)).toEqual([true, true, false]);
});

test("keys do not share their buckets", () => {
  const limit = createRateLimit({ limit: 1, now: () => 0 });
  expect([limit.take("a"), limit.take("a"), limit.take("b")].map(({ allowed }) => allowed)).toEqual([
    true,
    false,
    true,
  ]);
});

test("hundreds of keys stay within the bound, and an empty bucket is not forgotten for them", () => {
  const limit = createRateLimit({ limit: 5, maxKeys: 10, now: () => 0 });
  for (let i = 0; i < 5; i++) limit.take("greedy");
  for (let i = 0; i < 500; i++) {
    limit.take(`key-${i}`);
    expect(limit.size).toBeLessThanOrEqual(10);
    expect(limit.take("greedy").allowed).toBe(false);
  }
});

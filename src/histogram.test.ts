import { expect, test } from "bun:test";
import { addCounts, boundOf, bucketCount, bucketOf, quantile } from "./histogram.ts";

test("a bucket holds what is shorter than its bound, and not shorter than the one before", () => {
  for (let bucket = 1; bucket < bucketCount - 1; bucket++) {
    expect(bucketOf(boundOf(bucket) * 0.999)).toBe(bucket);
    expect(bucketOf(boundOf(bucket) * 1.001)).toBe(bucket + 1);
  }
  expect(bucketOf(0)).toBe(0);
  expect(bucketOf(Number.NaN)).toBe(0);
  expect(bucketOf(1e12)).toBe(bucketCount - 1);
});

test("quantiles are as exact as a bucket is wide", () => {
  const counts: number[] = [];
  for (let ms = 1; ms <= 1000; ms++) {
    const bucket = bucketOf(ms);
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  }
  const filled = Array.from(counts, (count) => count ?? 0);
  for (const part of [0.5, 0.9, 0.99]) {
    const told = quantile(filled, part)!;
    expect(told / (1000 * part)).toBeGreaterThan(0.7);
    expect(told / (1000 * part)).toBeLessThan(1.42);
  }
});

test("of nothing there is no quantile", () => {
  expect(quantile([], 0.5)).toBeUndefined();
  expect(quantile([0, 0], 0.5)).toBeUndefined();
});

test("counts add up by bucket", () => {
  const into = [1];
  addCounts(into, [1, 2, 3]);
  expect(into).toEqual([2, 2, 3]);
});

import { expect, test } from "bun:test";
import { bucketCount, bucketOf } from "../histogram.ts";
import { createSeries } from "./series.ts";

function latency(...ms: number[]): number[] {
  const counts = new Array<number>(bucketCount).fill(0);
  for (const one of ms) counts[bucketOf(one)]!++;
  return counts;
}

const at = (second: number, calls: number, errors = 0, times: number[] = []) => ({
  time: second * 1000 + 400,
  endpoints: [{ endpoint: "a.A/B", calls, errors, latency: latency(...times) }],
});

test("what instances tell of a second adds up, and seconds without calls are points too", () => {
  const series = createSeries();
  series.add(at(100, 2, 1, [1, 1]));
  series.add(at(100, 3, 0, [1, 100]));
  series.add(at(102, 1));
  const points = series.take(103);
  expect(points.map(({ time, calls, errors }) => [time, calls, errors])).toEqual([
    [100, 5, 1],
    [101, 0, 0],
    [102, 1, 0],
    [103, 0, 0],
  ]);
  expect(points[0]!.p50).toBeCloseTo(1, 0);
  expect(points[0]!.p99).toBeGreaterThan(70);
  expect(points[1]!.p99).toBeNull();
});

test("a second is taken once", () => {
  const series = createSeries();
  expect(series.take(99)).toEqual([]);
  series.add(at(100, 1));
  expect(series.take(100)).toHaveLength(1);
  expect(series.take(100)).toHaveLength(0);
  expect(series.take(102)).toHaveLength(2);
});

test("what is older than is kept is gone", () => {
  const series = createSeries();
  series.add(at(100, 1));
  series.add(at(1000, 1));
  expect(series.take(1000).every(({ time }) => time > 800)).toBe(true);
});

test("endpoints are told of the last minute, the busiest first", () => {
  const series = createSeries();
  series.add(at(100, 100));
  series.add({ time: 200_000, endpoints: [{ endpoint: "x", calls: 9, errors: 1, latency: [] }] });
  series.add(at(201, 2));
  expect(series.rows(202)).toEqual([
    { endpoint: "x", calls: 9, errors: 1, p50: null, p99: null },
    { endpoint: "a.A/B", calls: 2, errors: 0, p50: null, p99: null },
  ]);
});

test("messages are told by topic", () => {
  const series = createSeries();
  const topics = [{ topic: "bought", published: 1, received: 2 }];
  series.add({ time: 200_000, endpoints: [], topics });
  series.add({ time: 201_000, endpoints: [], topics });
  expect(series.topics(202)).toEqual([{ topic: "bought", published: 2, received: 4 }]);
});

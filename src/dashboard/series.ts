/** Samples of all instances of a service, added up second by second into the points of its charts. */
import { addCounts, quantile } from "../histogram.ts";

/** What one instance told of one second. */
export interface Measured {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly endpoints: readonly MeasuredEndpoint[];
  readonly topics?: readonly MeasuredTopic[];
}

export interface MeasuredEndpoint {
  readonly endpoint: string;
  readonly calls: number;
  readonly errors: number;
  /** Empty: nobody timed them. */
  readonly latency: readonly number[];
}

export interface MeasuredTopic {
  readonly topic: string;
  readonly published: number;
  readonly received: number;
}

/** Null: not known. */
export interface Point {
  /** Seconds since the epoch. */
  readonly time: number;
  readonly calls: number;
  readonly errors: number;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p99: number | null;
}

export interface EndpointRow {
  readonly endpoint: string;
  readonly calls: number;
  readonly errors: number;
  readonly p50: number | null;
  readonly p99: number | null;
}

export interface Series {
  add(measured: Measured): void;
  /** The seconds up to this one that were not taken yet, those without calls too. @param until seconds since the epoch */
  take(until: number): Point[];
  /** Of the last minute before, the busiest first. */
  rows(until: number): EndpointRow[];
  topics(until: number): MeasuredTopic[];
}

/** What is kept, in seconds. */
const maxSeconds = 180;
const rowSeconds = 60;
const maxRows = 200;

interface Sums {
  calls: number;
  errors: number;
  readonly latency: number[];
}

interface Second {
  readonly all: Sums;
  readonly endpoints: Map<string, Sums>;
  readonly topics: Map<string, { published: number; received: number }>;
}

export function createSeries(): Series {
  const seconds = new Map<number, Second>();
  let taken: number | undefined;
  const last = (until: number): Second[] =>
    [...seconds].flatMap(([time, one]) => (time > until - rowSeconds && time <= until ? [one] : []));
  return {
    add({ time, endpoints, topics = [] }) {
      const at = Math.floor(time / 1000);
      const second = cell(seconds, at, () => ({ all: sums(), endpoints: new Map(), topics: new Map() }));
      for (const { endpoint, ...counts } of endpoints) {
        sum(second.all, counts);
        sum(cell(second.endpoints, endpoint, sums), counts);
      }
      for (const { topic, published, received } of topics) {
        const one = cell(second.topics, topic, () => ({ published: 0, received: 0 }));
        one.published += published;
        one.received += received;
      }
      for (const old of seconds.keys()) if (old < at - maxSeconds) seconds.delete(old);
    },
    take(until) {
      if (taken === undefined && seconds.size === 0) return [];
      const from = (taken ?? Math.min(...seconds.keys(), until + 1) - 1) + 1;
      const points: Point[] = [];
      for (let time = Math.max(from, until - maxSeconds); time <= until; time++)
        points.push(pointOf(time, seconds.get(time)?.all ?? sums()));
      taken = Math.max(until, taken ?? until);
      return points;
    },
    rows(until) {
      const rows = new Map<string, Sums>();
      for (const { endpoints } of last(until))
        for (const [endpoint, one] of endpoints) sum(cell(rows, endpoint, sums), one);
      return [...rows]
        .sort(([, a], [, b]) => b.calls - a.calls)
        .slice(0, maxRows)
        .map(([endpoint, { calls, errors, latency }]) => ({
          ...{ endpoint, calls, errors },
          p50: quantile(latency, 0.5) ?? null,
          p99: quantile(latency, 0.99) ?? null,
        }));
    },
    topics(until) {
      const rows = new Map<string, { published: number; received: number }>();
      for (const { topics } of last(until))
        for (const [topic, { published, received }] of topics) {
          const one = cell(rows, topic, () => ({ published: 0, received: 0 }));
          one.published += published;
          one.received += received;
        }
      return [...rows].slice(0, maxRows).map(([topic, counts]) => ({ topic, ...counts }));
    },
  };
}

function sums(): Sums {
  return { calls: 0, errors: 0, latency: [] };
}

function sum(into: Sums, { calls, errors, latency }: Omit<MeasuredEndpoint, "endpoint">): void {
  into.calls += calls;
  into.errors += errors;
  addCounts(into.latency, latency);
}

function pointOf(time: number, { calls, errors, latency }: Sums): Point {
  const part = (of: number): number | null => quantile(latency, of) ?? null;
  return { time, calls, errors, p50: part(0.5), p90: part(0.9), p99: part(0.99) };
}

function cell<K, T>(cells: Map<K, T>, key: K, make: () => T): T {
  let one = cells.get(key);
  if (one === undefined) {
    one = make();
    cells.set(key, one);
  }
  return one;
}

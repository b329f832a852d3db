/** What the figures ought to be: each bound, and whether a run met it. */
import {
  cpuOfCallOut,
  type Group,
  growthOfPods,
  idleMemory,
  median,
  pushedOfChange,
  type Row,
  ratios,
  slowestCalls,
  startTime,
  timeToSynced,
  workersOfComputing,
  workersOfGreeting,
} from "./figures.ts";

export interface Goal {
  /** `unary, 50 at a time: server CPU per call, microrun ÷ grpc-go (grpc)` */
  readonly what: string;
  readonly sign: "≤" | "≥";
  readonly limit: number;
  readonly found: number;
  readonly met: boolean;
}

interface Bound {
  readonly group: Group;
  /** The row's name. */
  readonly row: string;
  /** Whose value it is, or whose ratio: the first ÷ the second. */
  readonly of: readonly [string, string?];
  readonly sign: "≤" | "≥";
  readonly limit: number;
}

const most = (limit: number, group: Group, row: string, ...of: [string, string?]): Bound => ({
  ...{ group, row, of, limit },
  sign: "≤",
});
const least = (limit: number, group: Group, row: string, ...of: [string, string?]): Bound => ({
  ...most(limit, group, row, ...of),
  sign: "≥",
});

const bounds: readonly Bound[] = [
  most(0.28, "grpc", "unary, 50 at a time: server CPU per call", "microrun", "grpc-go"),
  most(0.35, "grpc", "unique metadata, 50 at a time: server CPU per call", "microrun", "grpc-go"),
  most(0.6, "grpc", "10 KB, 50 at a time: server CPU per call", "microrun", "grpc-go"),
  most(1.2, "grpc", "1 MB, 4 at a time: server CPU per call", "microrun", "grpc-go"),
  most(0.2, "grpc", "streams of 1000 messages, 4 at a time: server CPU per message", "microrun", "grpc-go"),
  most(0.8, "grpc", "unary, one at a time: p50", "microrun", "grpc-go"),
  least(3, "grpc", "h2load, 10 x 10: rate", "microrun", "grpc-go"),
  most(1.15, "grpc", "unary, 50 at a time: server CPU per call", "microrun", "grpc-js"),
  least(0.85, "json", "POST, 50 connections: rate", "microrun", "Bun.serve"),
  most(1.2, "observed", "unique metadata, 50 at a time: server CPU per call", "observed", "microrun"),
  least(1.7, "workers", workersOfComputing, "2", "1"),
  least(1.7, "workers", workersOfGreeting, "2", "1"),
  most(60, "grpc", startTime, "microrun"),
  most(60, "json", startTime, "microrun"),
  most(60, "grpc", idleMemory, "microrun"),
  most(60, "json", idleMemory, "microrun"),
  most(0.45, "out", `unary, 50 at a time: ${cpuOfCallOut}`, "microrun", "grpc-go"),
  most(0.6, "out", `unique metadata, 50 at a time: ${cpuOfCallOut}`, "microrun", "grpc-go"),
  most(0.8, "out", `10 KB, 50 at a time: ${cpuOfCallOut}`, "microrun", "grpc-go"),
  most(1.2, "out", `1 MB, 8 at a time: ${cpuOfCallOut}`, "microrun", "grpc-go"),
  most(0.3, "out", `streams of 1000 messages, 8 at a time: ${cpuOfCallOut}`, "microrun", "grpc-go"),
  most(1, "out", "unary, one at a time: p50", "microrun", "grpc-go"),
  most(1, "spread", slowestCalls, "p2c", "roundrobin"),
  most(1, "pods", timeToSynced, "microrun", "client-go"),
  most(12, "pods", growthOfPods, "microrun"),
  most(64, "shipping", pushedOfChange, "microrun"),
];

/** Those whose rows were measured. */
export function goals(rows: readonly Row[]): readonly Goal[] {
  return bounds.flatMap((bound) => {
    const row = rows.find(({ group, what }) => group === bound.group && what === bound.row);
    return row === undefined ? [] : reached(bound, row);
  });
}

function reached({ group, of: [a, b], sign, limit }: Bound, row: Row): readonly Goal[] {
  const values = b === undefined ? (row.values[a] ?? []) : ratios(row, a, b);
  if (values.length === 0) return [];
  const found = median(values);
  const what = `${row.what}, ${b === undefined ? row.unit : `${a} ÷ ${b}`} (${group})`;
  return [{ what, sign, limit, found, met: sign === "≤" ? found <= limit : found >= limit }];
}

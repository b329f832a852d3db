/** What was measured: rows of values by server, one value per round, and what is read off them. */

/** What a row is about: calls in by either protocol, calls out, calls spread over instances, a cluster's pods, what is shipped. */
export type Group = "grpc" | "json" | "out" | "spread" | "pods" | "shipping";

export type Unit = "µs" | "req/s" | "ms" | "MB" | "kB";

export interface Row {
  readonly group: Group;
  /** `unary, 50 at a time: server CPU per call` */
  readonly what: string;
  readonly unit: Unit;
  /** By the server's name, in the order of the rounds. */
  readonly values: Record<string, number[]>;
}

export interface Figures {
  readonly rows: readonly Row[];
  add(group: Group, what: string, unit: Unit, server: string, value: number): void;
}

/** Rows appear in the order in which they were first added to. */
export function figures(): Figures {
  const rows: Row[] = [];
  return {
    rows,
    add(group, what, unit, server, value) {
      const known = rows.find((row) => row.group === group && row.what === what);
      const row = known ?? { group, what, unit, values: {} };
      if (known === undefined) rows.push(row);
      const values = row.values[server] ?? [];
      row.values[server] = [...values, value];
    },
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Round by round, so that what slows the machine for a while slows both: the values of `a` ÷ those of `b`. */
export function ratios(row: Row, a: string, b: string): readonly number[] {
  const below = row.values[b] ?? [];
  return (row.values[a] ?? []).flatMap((value, round) => (below[round] ? [value / below[round]] : []));
}

export interface Goal {
  readonly what: string;
  readonly limit: number;
  readonly found: number;
  readonly met: boolean;
}

/** Names of the rows that the goals are about. */
export const cpuOfUnary = "unary, 50 at a time: server CPU per call";
export const startTime = "start to first reply";
export const idleMemory = "memory, idle";
export const cpuOfCallOut = "50 at a time: caller's CPU per call";
export const slowestCalls = "one slow of five: p99";
export const timeToSynced = "5,000 pods: time to synced";
export const growthOfPods = "5,000 pods: memory growth";
export const pushedOfChange = "pushed after a one-line change";

/** Those whose rows were measured. */
export function goals(rows: readonly Row[]): readonly Goal[] {
  const goal = (row: Row, what: string, limit: number, values: readonly number[] = []): Goal[] => {
    if (values.length === 0) return [];
    const found = median(values);
    return [{ what: `${what} (${row.group})`, limit, found, met: found <= limit }];
  };
  return rows.flatMap((row) => {
    if (row.what === cpuOfUnary)
      return goal(row, "CPU per call, microrun ÷ grpc-js", 1.15, ratios(row, "microrun", "grpc-js"));
    if (row.what === startTime) return goal(row, "start to first reply, ms", 60, row.values.microrun);
    if (row.what === idleMemory) return goal(row, "idle memory, MB", 60, row.values.microrun);
    if (row.what === cpuOfCallOut)
      return goal(row, "CPU per call, microrun ÷ grpc-js", 1.15, ratios(row, "microrun", "grpc-js"));
    if (row.what === slowestCalls)
      return goal(row, "p99, p2c ÷ roundrobin", 1, ratios(row, "p2c", "roundrobin"));
    if (row.what === timeToSynced)
      return goal(row, "time to synced, microrun ÷ client-go", 1, ratios(row, "microrun", "client-go"));
    if (row.what === growthOfPods) return goal(row, "memory growth, MB", 12, row.values.microrun);
    if (row.what === pushedOfChange) return goal(row, `${row.what}, kB`, 64, row.values.microrun);
    return [];
  });
}

/** What was measured: rows of values by server, one value per round, and what is read off them. */

/** What a row is about: calls in by either protocol, calls in that are observed or shared by workers, calls out, calls spread over instances, a cluster's pods, what is shipped. */
export type Group = "grpc" | "json" | "observed" | "workers" | "out" | "spread" | "pods" | "shipping";

export type Unit = "µs" | "req/s" | "messages/s" | "ms" | "MB" | "kB";

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
  /** What could not be measured, or must be known to read what was. */
  readonly notes: readonly string[];
  /** Once, however often it is said. */
  note(text: string): void;
  add(group: Group, what: string, unit: Unit, server: string, value: number): void;
}

/** Rows appear in the order in which they were first added to. */
export function figures(): Figures {
  const rows: Row[] = [];
  const notes: string[] = [];
  return {
    rows,
    notes,
    note(text) {
      if (!notes.includes(text)) notes.push(text);
    },
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

/** Names of the rows that are read elsewhere. */
export const startTime = "start to first reply";
export const idleMemory = "memory, idle";
/** Behind the title of the case; of a stream for each message. */
export const cpuOfCallOut = "caller's CPU per call";
export const slowestCalls = "one slow of five: p99";
export const timeToSynced = "5,000 pods: time to synced";
export const growthOfPods = "5,000 pods: memory growth";
export const pushedOfChange = "pushed after a one-line change";
export const workersOfComputing = "h2load 32 x 4, 0.5 ms of computing: rate";
export const workersOfGreeting = "h2load 32 x 4: rate";

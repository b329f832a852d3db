/** The calls of all workers together, those of the dead included. */
import type { Counts } from "./workers.ts";

export interface Tally {
  /** What a worker has counted since it was started. */
  set(worker: number, counts: Counts): void;
  /** It ended: what it had counted stays. */
  end(worker: number): void;
  /** Everything but what `worker` itself has counted since it was started. */
  others(worker: number): Counts;
}

const none: Counts = { requests: 0, errors: 0 };

export function createTally(): Tally {
  const living = new Map<number, Counts>();
  let dead = none;
  return {
    set: (worker, counts) => void living.set(worker, counts),
    end(worker) {
      dead = sum([dead, living.get(worker) ?? none]);
      living.delete(worker);
    },
    others: (worker) =>
      sum([dead, ...[...living].flatMap(([of, counts]) => (of === worker ? [] : [counts]))]),
  };
}

function sum(all: readonly Counts[]): Counts {
  return {
    requests: all.reduce((total, { requests }) => total + requests, 0),
    errors: all.reduce((total, { errors }) => total + errors, 0),
  };
}

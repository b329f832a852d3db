/** How many calls there were and how many failed, for `Debug.Stats`. */
import type { Middleware } from "../call.ts";

export interface Stats {
  /** Seconds since the epoch. */
  readonly started: number;
  readonly requests: number;
  readonly errors: number;
}

/** Counts every call, those of the runtime's own services too, as go-micro v2 does. */
export function countCalls(): { stats: Stats; middleware: Middleware } {
  const stats = { started: Math.floor(Date.now() / 1000), requests: 0, errors: 0 };
  const count = (error: unknown): never => {
    stats.errors++;
    throw error;
  };
  const middleware: Middleware = (next) => (call) => {
    stats.requests++;
    return next(call).catch(count);
  };
  return { stats, middleware };
}

/** `rateLimit`: how often each caller may call. */
import { MicrorunError } from "../errors.ts";
import { keyBy } from "./call-key.ts";
import { live } from "./live.ts";
import type { By, Layer, Live } from "./middleware.ts";
import { type Kinds, kinds } from "./option-kinds.ts";
import { createRateLimit, type RateLimit } from "./rate-limit.ts";
import { refusalFields } from "./refusal.ts";

export interface CallRateOptions {
  /** So many in each `windowMs`, for each key. */
  readonly limit: number;
  /** @default 1000 */
  readonly windowMs?: number;
  /** So many at once by a key that was silent. @default `limit` */
  readonly burst?: number;
  /** Who shares a limit. @default "peer" */
  readonly by?: By;
  /** Keys that are remembered; above it the one that has the most left is forgotten. @default 10000 */
  readonly maxKeys?: number;
}

const table: Kinds<CallRateOptions> = {
  limit: kinds.count,
  windowMs: kinds.period,
  burst: kinds.count,
  by: kinds.textOrCallback,
  maxKeys: kinds.count,
};

/** Who calls more often is answered `resource_exhausted`, over HTTP 429, and told when to call again (`Retry-After`, google.rpc.RetryInfo). */
export function rateLimit(options: Live<CallRateOptions>): Layer {
  const held = live("rateLimit", table, options, ({ by = "peer", ...rules }) => ({
    limit: createRateLimit(rules),
    key: keyBy(by),
  }));
  const layer: Layer = (next, around) => {
    held(around);
    return (call) => {
      const { limit, key } = held(around);
      const error = refusal(limit, key.ofCall(call));
      if (error === undefined) return next(call);
      for (const [name, value] of Object.entries(refusalFields(error))) call.reply?.header.set(name, value);
      return Promise.reject(error);
    };
  };
  const web: Layer["web"] = (next, around) => (visit) => {
    const { limit, key } = held(around);
    const error = refusal(limit, key.ofVisit(visit));
    if (error !== undefined) throw error;
    return next(visit);
  };
  return Object.assign(layer, { web });
}

function refusal(limit: RateLimit, key: string): MicrorunError | undefined {
  const { allowed, retryMs } = limit.take(key);
  if (allowed) return undefined;
  return new MicrorunError("resource_exhausted", "called too often", { reason: "RATE_LIMITED", retryMs });
}

/** How often a registry that is busy, or a connection that breaks, is tried again, and with what waits. */
import { abortReason, MicrorunError } from "../errors.ts";
import { pause } from "../wait.ts";

/** Tries of one thing without any progress between them. */
const maxTries = 6;
const firstWaitMs = 250;
const lastWaitMs = 8000;
/** The longest that a Retry-After is obeyed, and all waits for one thing together, in ms. */
const maxRetryAfterMs = 120_000;
const maxWaitedMs = 300_000;

export interface Patience {
  /**
   * Waits before the next try.
   * @returns false: it has been enough, or nothing is to be hoped for
   */
  wait(outcome: Response | MicrorunError): Promise<boolean>;
  /** It went on: the tries are counted anew. */
  progress(): void;
}

/** Worth another try: busy, broken off, fallen over. */
export function isPassing(outcome: Response | MicrorunError): boolean {
  if (outcome instanceof MicrorunError) return ["DROPPED", "BUSY"].includes(outcome.reason ?? "");
  return [408, 425, 429, 500, 502, 503, 504].includes(outcome.status);
}

export function patience(signal: AbortSignal): Patience {
  let tries = 0;
  let waited = 0;
  return {
    wait: async (outcome) => {
      if (!isPassing(outcome)) return false;
      const after =
        outcome instanceof Response
          ? retryAfterMs(outcome.headers.get("retry-after"), Date.now())
          : undefined;
      const ms = nextWaitMs(++tries, after, Math.random());
      if (ms === undefined || waited + ms > maxWaitedMs) return false;
      waited += ms;
      await pause(ms, signal);
      if (signal.aborted) throw abortReason(signal);
      return true;
    },
    progress: () => {
      tries = 0;
    },
  };
}

/**
 * @param random 0 to 1, so that many clients do not come back at once
 * @returns undefined: no more
 */
export function nextWaitMs(
  tries: number,
  retryAfter: number | undefined,
  random: number,
): number | undefined {
  if (tries >= maxTries || (retryAfter ?? 0) > maxRetryAfterMs) return undefined;
  const limit = Math.min(firstWaitMs * 2 ** (tries - 1), lastWaitMs);
  return (retryAfter ?? 0) + limit * (0.5 + random / 2);
}

/** Seconds, or a date (RFC 9110, 10.2.3), in ms from now. */
export function retryAfterMs(value: string | null, now: number): number | undefined {
  if (value === null || value === "") return undefined;
  const seconds = Number(value);
  const ms = Number.isNaN(seconds) ? Date.parse(value) - now : seconds * 1000;
  return Number.isNaN(ms) ? undefined : Math.max(ms, 0);
}

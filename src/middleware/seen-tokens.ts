/** Tokens that held a moment ago: checking a signature costs more than most calls do, and callers bring the same one again. */
import type { Claims } from "../call.ts";
import type { VerifyToken } from "./jwt.ts";

/** As many tokens; above it the longest unused is forgotten. */
const maxTokens = 1000;
/** As long a token holds unlooked at, in ms: a key that its signer took back counts no longer. */
const maxAgeMs = 60_000;

interface Seen {
  readonly claims: Claims;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

export interface SeenTokensOptions {
  /** As what is wrapped takes it. */
  readonly maxAgeSeconds?: number | undefined;
  /** In ms since the epoch. @default Date.now */
  readonly now?: () => number;
}

/** Those that do not hold are looked at each time. */
export function rememberTokens(
  verify: VerifyToken,
  { maxAgeSeconds, now = Date.now }: SeenTokensOptions,
): VerifyToken {
  const seen = new Map<string, Seen>();
  return async (token) => {
    const time = now();
    const known = seen.get(token);
    if (known !== undefined) {
      seen.delete(token);
      if (time < known.until) {
        seen.set(token, known);
        return known.claims;
      }
    }
    const claims = frozen(await verify(token)) as Claims;
    const [oldest] = seen.size >= maxTokens ? seen.keys() : [];
    if (oldest !== undefined) seen.delete(oldest);
    seen.set(token, { claims, until: endOf(claims, time, maxAgeSeconds) });
    return claims;
  };
}

/** No later than the token's own end; clocks that are apart have it looked at again. */
function endOf({ exp, iat }: Claims, time: number, maxAgeSeconds: number | undefined): number {
  const own = exp === undefined ? Number.POSITIVE_INFINITY : exp * 1000;
  const aged = maxAgeSeconds === undefined || iat === undefined ? own : (iat + maxAgeSeconds) * 1000;
  return Math.min(time + maxAgeMs, own, aged);
}

/** Several calls have the same: none shall change another's. */
function frozen(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  for (const inner of Object.values(value)) frozen(inner);
  return Object.freeze(value);
}

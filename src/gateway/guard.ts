/** Who may ask, and how often: bearer tokens and rates, before anything is done for a request. */
import { MicrorunError } from "../errors.ts";
import { isBelow } from "./checked-path.ts";
import { StatusError } from "./failure.ts";
import type { Claims, RateRules, TokenRules } from "./gateway.ts";
import { tellClaims, type Visit } from "./visit.ts";

export interface Guard {
  readonly token?: TokenRules;
  readonly rate?: RateRules;
}

/**
 * @returns fields of the answer
 * @throws MicrorunError `unauthenticated`, `unavailable`; StatusError 429
 */
export async function guard(visit: Visit, { token, rate }: Guard): Promise<Record<string, string>> {
  // before a token is looked at, which costs more
  const early = rate === undefined || rate.by.kind === "claim" ? {} : limited(visit, {}, rate);
  const claims = token === undefined ? undefined : await authenticated(visit, token);
  if (claims !== undefined) tellClaims(visit.headers, claims);
  return rate?.by.kind === "claim" ? limited(visit, claims ?? {}, rate) : early;
}

async function authenticated(
  { path, request: { headers } }: Visit,
  { verify, except }: TokenRules,
): Promise<Claims | undefined> {
  const authorization = headers.get("authorization");
  if (authorization === null && except.some((prefix) => isBelow(path, prefix))) return undefined;
  const [, token] = /^Bearer +([\w.~+/=-]+)$/i.exec(authorization ?? "") ?? [];
  if (token === undefined) {
    const why = authorization === null ? "a token is needed" : "the authorization is no bearer token";
    throw new MicrorunError("unauthenticated", why);
  }
  return verify(token);
}

/** @throws StatusError 429 */
function limited(visit: Visit, claims: Claims, rate: RateRules): Record<string, string> {
  const { limit, remaining, resetMs, retryMs, allowed } = rate.take(keyOf(visit, claims, rate));
  const fields = {
    "ratelimit-limit": String(limit),
    "ratelimit-remaining": String(remaining),
    "ratelimit-reset": String(Math.ceil(resetMs / 1000)),
  };
  if (allowed) return fields;
  const seconds = String(Math.max(1, Math.ceil(retryMs / 1000)));
  throw new StatusError(429, "asked too often", { ...fields, "retry-after": seconds });
}

/** The longest key kept as it is. */
const maxKeyLength = 256;

/** Kinds do not share keys: nobody shall name an address by a header. */
function keyOf({ ip, request }: Visit, claims: Claims, { by }: RateRules): string {
  if (by.kind === "ip") return ip;
  const value = by.kind === "header" ? request.headers.get(by.name) : claims[by.name];
  const told = typeof value === "string" || typeof value === "number" ? String(value) : "";
  return told === "" ? ip : `${by.kind} ${told.slice(0, maxKeyLength)}`;
}

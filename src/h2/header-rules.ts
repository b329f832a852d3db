/** What a header list must be made of (RFC 9113 §8.2.2, §8.3): whatever is not so is malformed. */
import type { Fields } from "./h2.ts";

export type HeadKind = "request" | "response" | "trailers";

/** Fields of a connection, which HTTP/2 has frames for. */
const connectionFields = new Set([
  "connection",
  "proxy-connection",
  "keep-alive",
  "transfer-encoding",
  "upgrade",
]);
const shortestConnectionField = "upgrade".length;

/** Each a bit, so that none comes twice. */
const requestFields = new Map([
  [":method", 1],
  [":scheme", 2],
  [":path", 4],
  [":authority", 8],
]);
const responseFields = new Map([[":status", 1]]);
const noFields = new Map<string, number>();
const allowed = { request: requestFields, response: responseFields, trailers: noFields };

/** Bits that must have come. CONNECT, which has neither scheme nor path, is not served. */
const required = { request: 7, response: 1, trailers: 0 };

const colon = 58;

export function isWellFormed(fields: Fields, kind: HeadKind): boolean {
  let seen = 0;
  let regular = false;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    if (name.charCodeAt(0) === colon) {
      const bit = allowed[kind].get(name) ?? 0;
      if (regular || bit === 0 || (seen & bit) !== 0) return false;
      if (fields[i + 1] === "" && name !== ":authority") return false;
      seen |= bit;
      continue;
    }
    regular = true;
    if (name === "te" && fields[i + 1] !== "trailers") return false;
    if (name.length >= shortestConnectionField && connectionFields.has(name)) return false;
  }
  return (seen & required[kind]) === required[kind];
}

/** The first value under a name. */
export function fieldValue(fields: Fields, name: string): string | undefined {
  for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) return fields[i + 1];
  return undefined;
}

import { expect, test } from "bun:test";
import { MicrorunError } from "../errors.ts";
import { isPassing, nextWaitMs, retryAfterMs } from "./patience.ts";

test("waits double, are spread, and end", () => {
  expect([1, 2, 3, 4, 5].map((tries) => nextWaitMs(tries, undefined, 1))).toEqual([
    250, 500, 1000, 2000, 4000,
  ]);
  expect(nextWaitMs(1, undefined, 0)).toBe(125);
  expect(nextWaitMs(6, undefined, 1)).toBeUndefined();
});

test("a registry is not asked before the time that it says, and not at all if that is far", () => {
  expect(nextWaitMs(1, 5000, 0)).toBe(5125);
  expect(nextWaitMs(1, 3_600_000, 0)).toBeUndefined();
});

test("Retry-After is seconds or a date", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  expect(retryAfterMs("3", now)).toBe(3000);
  expect(retryAfterMs("Thu, 01 Jan 2026 00:00:10 GMT", now)).toBe(10_000);
  expect(retryAfterMs("Wed, 31 Dec 2025 00:00:00 GMT", now)).toBe(0);
  for (const nothing of [null, "", "soon"]) expect(retryAfterMs(nothing, now)).toBeUndefined();
});

test("what may pass is tried again, a refusal is not", () => {
  for (const status of [408, 429, 500, 502, 503, 504])
    expect(isPassing(new Response("", { status }))).toBe(true);
  for (const status of [200, 400, 401, 403, 404, 416, 501])
    expect(isPassing(new Response("", { status }))).toBe(false);
  expect(isPassing(new MicrorunError("unavailable", "broke off", { reason: "DROPPED" }))).toBe(true);
  expect(isPassing(new MicrorunError("unavailable", "no such host", { reason: "UNREACHABLE" }))).toBe(false);
});

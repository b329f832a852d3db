import { expect, test } from "bun:test";
import { sharing } from "./share.ts";

test("equal values are one value, different ones are not", () => {
  const share = sharing();
  const one = share({ a: ["b"] });
  expect(share({ a: ["b"] })).toBe(one);
  expect(share({ a: ["c"] })).not.toBe(one as unknown as { a: string[] });
  expect(share("text")).toBe("text");
});

test("it does not grow without end: after much else a value is remembered anew", () => {
  const share = sharing();
  const first = share({ a: 1 });
  for (let at = 0; at < 30; at++) share({ at, long: "x".repeat(50_000) });
  expect(share({ a: 1 })).not.toBe(first);
});

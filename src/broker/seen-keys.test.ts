import { expect, test } from "bun:test";
import { keyMs, maxKeys, seenKeys } from "./seen-keys.ts";

test("a key is new once, until it is removed or forgotten", () => {
  let now = 0;
  const seen = seenKeys(() => now);
  expect([seen.add("a"), seen.add("a"), seen.add("b")]).toEqual([true, false, true]);
  seen.remove("a");
  expect(seen.add("a")).toBe(true);
  now = keyMs;
  expect([seen.add("a"), seen.add("a")]).toEqual([true, false]);
});

test("no more keys are kept than may be, the oldest go first", () => {
  const seen = seenKeys(() => 0);
  for (let n = 0; n <= maxKeys; n++) seen.add(`${n}`);
  expect([seen.add(`${maxKeys}`), seen.add("1"), seen.add("0")]).toEqual([false, false, true]);
});

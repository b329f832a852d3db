import { expect, test } from "bun:test";
import { goDuration } from "./go-duration.ts";

test.each([
  [0n, "0s"],
  [7n, "7ns"],
  [1500n, "1.5µs"],
  [1_234_567n, "1.234567ms"],
  [1_000_000_000n, "1s"],
  [59_500_000_000n, "59.5s"],
  [60_000_000_000n, "1m0s"],
  [3_600_000_000_000n, "1h0m0s"],
  [1_795_246_343_000_000_000n, "498679h32m23s"],
])("%p ns are written as Go writes them: %s", (nanoseconds, text) => {
  expect(goDuration(nanoseconds)).toBe(text);
});

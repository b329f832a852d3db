import { expect, test } from "bun:test";
import { fitsFloat, shortFloat } from "./float-text.ts";

// as Go's strconv.FormatFloat(v, 'g', -1, 32) has them
const known: [given: number, shortest: string][] = [
  [0, "0"],
  [0.1, "0.1"],
  [-0.1, "-0.1"],
  [1 / 3, "0.33333334"],
  [0.5, "0.5"],
  [Math.PI, "3.1415927"],
  [16_777_215, "16777215"],
  [16_777_216, "16777216"],
  [33_554_432, "33554432"],
  [123_456_789, "123456790"],
  [1e10, "10000000000"],
  [8.5e-5, "0.000085"],
  [3.4028234663852886e38, "3.4028235e+38"],
  [2 ** -126, "1.1754944e-38"],
  [2 ** -149, "1e-45"],
  [-(2 ** -148), "-3e-45"],
  // the numbers below lie closer than those above
  [2 ** 87, "1.5474251e+26"],
  [2 ** 90, "1.2379401e+27"],
  [2 ** -96, "1.2621775e-29"],
  [Number.POSITIVE_INFINITY, "Infinity"],
  [Number.NaN, "NaN"],
];
test.each(known)("%p is the shortest that is read as it again", (given, shortest) => {
  expect(String(shortFloat(Math.fround(given)))).toBe(shortest);
});

test("-0 stays -0", () => {
  expect(Object.is(shortFloat(-0), -0)).toBe(true);
});

test("each number of 32 bits is read as it again, and has nine digits at most", () => {
  const bits = new DataView(new ArrayBuffer(4));
  let state = 1;
  for (let at = 0; at < 20_000; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bits.setUint32(0, state);
    const value = bits.getFloat32(0);
    if (!Number.isFinite(value)) continue;
    const short = shortFloat(value);
    const [mantissa = ""] = short.toExponential().split("e");
    if (Math.fround(short) !== value || mantissa.replace(/[-.]/g, "").length > 9)
      expect([value, short]).toEqual([value, value]);
  }
});

test("what rounds to the largest number fits, what rounds beyond does not", () => {
  const numbers = [3.4028235e38, -3.4028235677973362e38, Number.POSITIVE_INFINITY, Number.NaN];
  expect(numbers.map(fitsFloat)).toEqual([true, true, true, true]);
  expect([3.4028235677973366e38, -1e39].map(fitsFloat)).toEqual([false, false]);
});

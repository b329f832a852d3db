/** Numbers of 32 bits, written with no more digits than tell them apart: 0.1, where the double beside it is 0.10000000149011612. */

/** Decimals of so many digits are all told apart, above the subnormal numbers. */
const sureDigits = 6;
const smallestNormal = 2 ** -126;
/** Whole numbers below are written as they are. */
const wholeBelow = 2 ** 24;
/** From a power of two towards the middle of what rounds to it: the numbers below it lie closer than those above. */
const nudge = 1 + 2 ** -26;

/** @returns what prints as the shortest decimal that is read as this number again */
export function shortFloat(value: number): number {
  const size = Math.abs(value);
  if (!Number.isFinite(value) || (size < wholeBelow && Number.isInteger(value))) return value;
  for (let digits = size < smallestNormal ? 1 : sureDigits; digits <= 8; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  const short = Number((value * nudge).toPrecision(8));
  return Math.fround(short) === value ? short : Number(value.toPrecision(9));
}

/** Whether a number is one of 32 bits, once it is rounded; what is infinite is one. */
export function fitsFloat(value: number): boolean {
  return Number.isFinite(Math.fround(value)) || !Number.isFinite(value);
}

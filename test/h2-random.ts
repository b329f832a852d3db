/** Random inputs that are the same in each run: numbers, header lists, damaged bytes. */

/** Mulberry32: numbers from 0 up to 1. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Names with repetition, values with and without; printable, no space at either end. */
export function randomFields(random: () => number, prefix = "x-"): string[] {
  const count = 1 + Math.floor(random() * 8);
  const names = new Set(Array.from({ length: count }, () => `${prefix}${Math.floor(random() * 20)}`));
  return [...names].flatMap((name) => [name, randomValue(random)]);
}

function randomValue(random: () => number): string {
  if (random() < 0.5) return `value-${Math.floor(random() * 5)}`;
  const length = Math.floor(random() * (random() < 0.05 ? 3_000 : 60));
  return Array.from({ length }, () => String.fromCharCode(33 + random() * 94)).join("");
}

/** A few bytes changed, cut out, doubled or put in. */
export function damaged(bytes: Buffer, random: () => number): Buffer {
  let result = Buffer.from(bytes);
  for (let times = 1 + Math.floor(random() * 3); times > 0; times--) {
    const at = Math.floor(random() * result.length);
    const end = Math.min(result.length, at + 1 + Math.floor(random() * 9));
    const [head, part, tail] = [result.subarray(0, at), result.subarray(at, end), result.subarray(end)];
    const noise = Buffer.from(Array.from({ length: 1 + random() * 4 }, () => random() * 256));
    const ways = [
      () => {
        result[at] = random() * 256;
        return result;
      },
      () => {
        result[at]! ^= 1 << Math.floor(random() * 8);
        return result;
      },
      () => Buffer.concat([head, tail]),
      () => Buffer.concat([head, part, part, tail]),
      () => Buffer.concat([head, noise, part, tail]),
    ];
    result = ways[Math.floor(random() * ways.length)]!();
  }
  return result;
}

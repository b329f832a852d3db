/** Spans of time as Go writes them (`time.Duration.String`): `1h2m3s`, `1.5ms`, `0s`. */

const minute = 60_000_000_000n;
const units = [
  ["s", 1_000_000_000n],
  ["ms", 1_000_000n],
  ["µs", 1000n],
  ["ns", 1n],
] as const;

export function goDuration(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return "0s";
  if (nanoseconds < minute) return small(nanoseconds);
  const minutes = nanoseconds / minute;
  const seconds = decimal(nanoseconds % minute, 1_000_000_000n);
  const hours = minutes < 60n ? "" : `${minutes / 60n}h`;
  return `${hours}${minutes % 60n}m${seconds}s`;
}

function small(nanoseconds: bigint): string {
  const [unit, size] = units.find(([, size]) => nanoseconds >= size)!;
  return `${decimal(nanoseconds, size)}${unit}`;
}

function decimal(value: bigint, unit: bigint): string {
  const digits = `${unit}`.length - 1;
  const fraction = `${value % unit}`.padStart(digits, "0").slice(0, digits).replace(/0+$/, "");
  return fraction === "" ? `${value / unit}` : `${value / unit}.${fraction}`;
}

/** Durations counted in buckets that grow by the square root of two, and the quantiles of what was counted. */

/** In ms. */
const first = 0.05;
/** From 50 µs to well over a minute. */
export const bucketCount = 43;

/** The upper bound of a bucket, in ms; of the last there is none. */
export function boundOf(bucket: number): number {
  return first * 2 ** (bucket / 2);
}

export function bucketOf(ms: number): number {
  if (!(ms >= first)) return 0;
  return Math.min(bucketCount - 1, Math.floor(2 * Math.log2(ms / first)) + 1);
}

/**
 * In ms, as exact as a bucket is wide; undefined: nothing was counted.
 * @param part 0.99: as long or shorter are so many
 */
export function quantile(counts: readonly number[], part: number): number | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  const wanted = part * total;
  let below = 0;
  for (const [bucket, count] of counts.entries()) {
    if (count > 0 && below + count >= wanted) {
      const [low, high] = [bucket === 0 ? 0 : boundOf(bucket - 1), boundOf(bucket)];
      return low + (high - low) * Math.max(0, (wanted - below) / count);
    }
    below += count;
  }
  return boundOf(counts.length - 1);
}

/** @param into is changed */
export function addCounts(into: number[], counts: readonly number[]): void {
  for (const [bucket, count] of counts.entries()) into[bucket] = (into[bucket] ?? 0) + count;
}

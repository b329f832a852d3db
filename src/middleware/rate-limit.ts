/** Token buckets by key (an address, a user): how often each may ask, for a bounded number of keys. */

export interface RateLimitOptions {
  /** So many in each `windowMs`, for each key. */
  readonly limit: number;
  /** @default 1000 */
  readonly windowMs?: number;
  /** So many at once by a key that was silent. @default `limit` */
  readonly burst?: number;
  /** Keys that are remembered; above it the one that has the most left is forgotten. @default 10000 */
  readonly maxKeys?: number;
  /** In ms, never going back. @default performance.now */
  readonly now?: () => number;
}

export interface Taken {
  readonly allowed: boolean;
  /** The burst. */
  readonly limit: number;
  /** How often the key may ask now. */
  readonly remaining: number;
  /** Until the bucket is full again, in ms. */
  readonly resetMs: number;
  /** Until the key may ask again, in ms; 0: now. */
  readonly retryMs: number;
}

export interface RateLimit {
  take(key: string): Taken;
  /** Keys remembered. */
  readonly size: number;
}

interface Bucket {
  tokens: number;
  at: number;
}

const defaultWindowMs = 1000;
const defaultMaxKeys = 10_000;
/** How many of the longest unused are looked at for one to forget. */
const maxLooks = 16;

export function createRateLimit(options: RateLimitOptions): RateLimit {
  const { limit, windowMs = defaultWindowMs, burst = limit } = options;
  const { maxKeys = defaultMaxKeys, now = () => performance.now() } = options;
  const perMs = limit / windowMs;
  /** The longest unused first. */
  const buckets = new Map<string, Bucket>();

  const refill = (bucket: Bucket, time: number): Bucket => {
    bucket.tokens = Math.min(burst, bucket.tokens + (time - bucket.at) * perMs);
    bucket.at = time;
    return bucket;
  };
  /** A full one is as good as none, and one that is nearly so as good as that. */
  const forget = (time: number): void => {
    let most: string | undefined;
    let tokens = -1;
    let looks = 0;
    for (const [key, bucket] of buckets) {
      const has = refill(bucket, time).tokens;
      if (has > tokens) [most, tokens] = [key, has];
      if (tokens >= burst || ++looks >= maxLooks) break;
    }
    if (most !== undefined) buckets.delete(most);
  };

  return {
    take(key) {
      const time = now();
      let bucket = buckets.get(key);
      if (bucket === undefined) {
        if (buckets.size >= maxKeys) forget(time);
        bucket = { tokens: burst, at: time };
      } else {
        buckets.delete(key);
        refill(bucket, time);
      }
      buckets.set(key, bucket);
      const allowed = bucket.tokens >= 1;
      if (allowed) bucket.tokens -= 1;
      return {
        allowed,
        limit: burst,
        remaining: Math.floor(bucket.tokens),
        resetMs: Math.ceil((burst - bucket.tokens) / perMs),
        retryMs: allowed ? 0 : Math.ceil((1 - bucket.tokens) / perMs),
      };
    },
    get size() {
      return buckets.size;
    },
  };
}

/** Latencies as p2c weighs them: a mean of the last second's, which fades where nothing new is seen. */
import type { Latency, Mean, Peer } from "./peer.ts";

/**
 * In this time new latencies take the place of old ones but for 37 %, in ms. One peak hardly counts, as a pause of our own looks
 * like one; an instance that gets stuck is known by its calls in flight at once.
 */
const meanOverMs = 1000;

/** In this time what was seen fades to 37 % without any new call, in ms, so that a slow instance is tried again. */
const fadeMs = 10_000;

/** Differences below it are noise; in ms. */
const leastMs = 1;

/** Latencies that differ by a smaller factor are alike: who calls one after the other would else stay with the first by chance. */
const alikeFactor = 1.5;

/** The part of each new latency in a service's mean. */
const meanShare = 0.05;

/** Below 0 where a call to `one` would cost less: latency, unless they are alike, times the calls that it would then have. */
export function compareLoads(one: Peer, other: Peer, now: number): number {
  const [ms, otherMs] = [expectedMs(one.latency, now), expectedMs(other.latency, now)];
  if (Math.max(ms, otherMs) < alikeFactor * Math.min(ms, otherMs)) return one.inFlight - other.inFlight;
  return ms * (one.inFlight + 1) - otherMs * (other.inFlight + 1);
}

function expectedMs(latency: Latency, now: number): number {
  return Math.max(latency.at === undefined ? latency.mean.ms : faded(latency, now), leastMs);
}

/** @param answered false: it failed, which may be quick; that makes no instance look faster */
export function observe(latency: Latency, ms: number, now: number, answered: boolean): void {
  if (!answered && ms < (latency.at === undefined ? latency.mean.ms : latency.ms)) return;
  const share = latency.at === undefined ? 0 : Math.exp((latency.at - now) / meanOverMs);
  latency.ms = latency.ms * share + ms * (1 - share);
  latency.at = now;
  pull(latency.mean, ms);
}

function faded({ ms, at = 0 }: Latency, now: number): number {
  return ms * Math.exp((at - now) / fadeMs);
}

function pull(mean: Mean, ms: number): void {
  mean.ms = mean.ms === 0 ? ms : mean.ms + (ms - mean.ms) * meanShare;
}

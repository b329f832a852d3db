/** Instances that fail are set aside for a while, each time longer, until a call to them goes well. */
import { MicrorunError } from "../errors.ts";
import type { Peer } from "./peer.ts";

/** The first time, in ms; doubled with each try in vain. */
const baseMs = 1000;
const maxMs = 30_000;

/** The part of that time that chance takes off, so that not all callers try again together. */
const jitter = 0.25;

/** So long is the end of the call waited for that tries it again, in ms: a stream's may be hours away. */
const maxTryMs = 30_000;

/** So many calls in a row that ran out of time set it aside: one may be the method's own slowness. */
const lateInRow = 3;

/**
 * What a call's end says of the instance: it `answered`, if only with an error of its own; it `failed` to; it was `late`; or
 * `nothing`, as the caller itself ended the call.
 */
export type Verdict = "answered" | "failed" | "late" | "nothing";

export function verdictOf(error: unknown): Verdict {
  if (error === undefined) return "answered";
  if (!(error instanceof MicrorunError)) return "nothing";
  if (error.code === "cancelled") return "nothing";
  if (error.unsent || error.code === "unavailable") return "failed";
  return error.code === "deadline_exceeded" ? "late" : "answered";
}

/** Whether a call may go to it now. */
export function isFit(peer: Peer, now: number): boolean {
  return peer.asideUntil === 0 || (now >= peer.asideUntil && now >= peer.tryingUntil);
}

/** A call goes to it, set aside as it may be. */
export function tried(peer: Peer, now: number): void {
  if (peer.asideUntil !== 0) peer.tryingUntil = now + maxTryMs;
}

/**
 * @param began when the call began
 * @param random 0 to 1
 * @returns whether the peer was set aside, or taken back, by it
 */
export function judge(
  peer: Peer,
  verdict: Verdict,
  began: number,
  now: number,
  random: number,
): "aside" | "back" | undefined {
  const aside = peer.asideUntil !== 0;
  peer.tryingUntil = 0;
  if (verdict === "nothing") return undefined;
  if (verdict === "answered") {
    // a call from before it was set aside says nothing of it now
    if (aside && began < peer.asideAt) return undefined;
    peer.failures = 0;
    peer.asideUntil = 0;
    return aside ? "back" : undefined;
  }
  // many calls end with one connection: they are one failure
  if (aside && now < peer.asideUntil) return undefined;
  peer.failures++;
  if (verdict === "late" && !aside && peer.failures < lateInRow) return undefined;
  peer.asideAt = now;
  const tries = verdict === "late" ? peer.failures - lateInRow : peer.failures - 1;
  peer.asideUntil = now + Math.min(maxMs, baseMs * 2 ** Math.max(0, tries)) * (1 - random * jitter);
  return aside ? undefined : "aside";
}

/** Streams of all instances of a service, those that come later too, as one. */

import { errorText, MicrorunError } from "../errors.ts";
import { createFeed, type OwnFeed, readFeed } from "../feed.ts";
import type { Instance } from "../registry/registry.ts";
import { pause } from "../wait.ts";
import { awayText, isAway, keyOf } from "./roster.ts";

/** How often it is looked for instances, and how soon one that failed is asked again, in ms. */
const lookMs = 2000;
/** Instances followed at a time. */
const maxFollowed = 50;

export interface FollowOptions<T> {
  readonly instances: () => Promise<readonly Instance[]>;
  /** Ends when the instance ends its stream. @throws MicrorunError */
  readonly follow: (instance: Instance, signal: AbortSignal, tell: (one: T) => void) => Promise<void>;
  /** What is told of an instance that cannot be followed. */
  readonly trouble: (instance: Instance, why: string) => T;
  readonly signal: AbortSignal;
}

/** Ends without an error when aborted. */
export async function* followAll<T>(options: FollowOptions<T>): AsyncGenerator<T> {
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const feed = createFeed<T>(0);
  const reader = readFeed(feed, { signal });
  const looking = look({ ...options, signal }, feed);
  try {
    yield* reader;
  } finally {
    stop.abort();
    await looking;
  }
}

async function look<T>(options: FollowOptions<T>, feed: OwnFeed<T>): Promise<void> {
  const { instances, signal } = options;
  const followed = new Map<string, AbortController>();
  while (!signal.aborted) {
    const now = await instances().catch(() => undefined);
    const keys = now && new Set(now.map(keyOf));
    for (const [key, stop] of followed)
      if (keys?.has(key) === false) {
        stop.abort();
        followed.delete(key);
      }
    for (const instance of now ?? []) {
      const key = keyOf(instance);
      if (followed.has(key) || followed.size >= maxFollowed) continue;
      const stop = new AbortController();
      followed.set(key, stop);
      void keep(instance, AbortSignal.any([signal, stop.signal]), options, feed.push);
    }
    await pause(lookMs, signal);
  }
}

async function keep<T>(
  instance: Instance,
  signal: AbortSignal,
  { follow, trouble }: FollowOptions<T>,
  tell: (one: T) => void,
): Promise<void> {
  let told = "";
  while (!signal.aborted) {
    let why = "";
    try {
      await follow(instance, signal, (one) => {
        told = "";
        tell(one);
      });
    } catch (error) {
      const known = MicrorunError.from(error);
      why = isAway(known) ? awayText(instance, error) : errorText(error);
    }
    if (signal.aborted) return;
    if (why !== "" && why !== told) tell(trouble(instance, why));
    told = why;
    await pause(lookMs, signal);
  }
}

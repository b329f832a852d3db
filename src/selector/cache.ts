/** The instances of the services in use: one watch for each, its last snapshot at hand. */
import { errorText, MicrorunError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Instance } from "../registry/registry.ts";
import { pause, within } from "../wait.ts";
import type { Source } from "./source.ts";

export type Snapshot = readonly Instance[];

export interface CacheOptions {
  readonly source: Source;
  readonly log: Log;
  /** Told of each service that is watched no longer. */
  readonly forget: (service: string) => void;
  /** The most services watched; the longest unused makes room for a new one. @default 256 */
  readonly maxServices?: number;
  /** How long a service that nobody asks for is watched, in ms. @default 600000 */
  readonly idleMs?: number;
  /** How long a call waits for a service's first snapshot, in ms. @default 2000 */
  readonly firstSnapshotMs?: number;
  /** After how long a watch that ended is begun again, in ms; each time in vain twice as long, up to 30000. @default 1000 */
  readonly rewatchMs?: number;
  /** Milliseconds that only go forward. @default performance.now */
  readonly now?: () => number;
  /** 0 to 1. @default Math.random */
  readonly random?: () => number;
}

export interface Cache extends AsyncDisposable {
  /** The same array until something changed. @throws MicrorunError `unavailable` when the first snapshot does not come in time */
  current(service: string): Snapshot | Promise<Snapshot>;
}

const maxRewatchMs = 30_000;
/** How many instances a line of the log names. */
const maxShown = 20;

interface Watched {
  readonly stop: AbortController;
  readonly first: Promise<void>;
  snapshot: Snapshot | undefined;
  usedAt: number;
}

export function createCache(options: CacheOptions): Cache {
  const { source, log, forget, maxServices = 256, idleMs = 600_000, firstSnapshotMs = 2000 } = options;
  const { rewatchMs = 1000, now = () => performance.now(), random = Math.random } = options;
  const watched = new Map<string, Watched>();
  let open = true;

  const follow = async (service: string, known: Watched, arrived: () => void): Promise<void> => {
    const { signal } = known.stop;
    for (let tries = 0; !signal.aborted; tries++) {
      try {
        for await (const snapshot of source.watch(service, signal)) {
          if (signal.aborted) return;
          const instances = placesOf(snapshot);
          if (instances !== placesOf(known.snapshot)) log.info("update instances", { service, instances });
          known.snapshot = snapshot;
          tries = 0;
          arrived();
        }
      } catch (error) {
        log.warn("watch failed", { service, source: source.title, error: errorText(error) });
      }
      await pause(Math.min(maxRewatchMs, rewatchMs * 2 ** tries) * (1 - random() / 4), signal);
    }
  };
  const drop = (service: string, known: Watched): void => {
    watched.delete(service);
    known.stop.abort();
    forget(service);
  };
  const dropIdle = (): void => {
    for (const [service, known] of watched) if (now() - known.usedAt > idleMs) drop(service, known);
  };
  const begin = (service: string): Watched => {
    source.check?.(service);
    dropIdle();
    if (watched.size >= maxServices) {
      const [longest] = [...watched].sort(([, a], [, b]) => a.usedAt - b.usedAt);
      if (longest !== undefined) drop(...longest);
    }
    const { promise: first, resolve: arrived } = Promise.withResolvers<void>();
    const known: Watched = { stop: new AbortController(), first, snapshot: undefined, usedAt: now() };
    watched.set(service, known);
    // whoever still waits when it is dropped waits in vain
    known.stop.signal.addEventListener("abort", () => arrived(), { once: true });
    void follow(service, known, arrived);
    return known;
  };
  const firstOf = async (service: string, known: Watched): Promise<Snapshot> => {
    try {
      await within(firstSnapshotMs, service, known.first);
    } catch {
      throw silent(service, `${source.title} told nothing within ${firstSnapshotMs} ms`);
    }
    if (known.snapshot === undefined) throw silent(service, "its watch was ended");
    return known.snapshot;
  };
  const sweep = setInterval(dropIdle, Math.max(1000, idleMs / 10));
  sweep.unref();

  return {
    current(service) {
      const known = watched.get(service) ?? (open ? begin(service) : undefined);
      if (known === undefined) throw silent(service, "its selector is closed");
      known.usedAt = now();
      return known.snapshot ?? firstOf(service, known);
    },
    async [Symbol.asyncDispose]() {
      open = false;
      clearInterval(sweep);
      for (const entry of [...watched]) drop(...entry);
    },
  };
}

/** Undefined: nothing has been told yet. */
function placesOf(snapshot: Snapshot | undefined): string | undefined {
  const all = snapshot?.map(({ id, address }) => `${id} ${address}`).sort();
  if (all === undefined || all.length <= maxShown) return all?.join(", ");
  return `${all.slice(0, maxShown).join(", ")} and ${all.length - maxShown} more`;
}

function silent(service: string, why: string): MicrorunError {
  return new MicrorunError("unavailable", `service ${service}: ${why}`, {
    hint: "wait until it answers, or name another --registry or --selector",
    unsent: true,
  });
}

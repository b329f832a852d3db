/** The instances that others told of by multicast DNS, each until its time is over. */
import { errorText } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Told } from "./mdns-records.ts";
import type { Instance } from "./registry.ts";

/** How many instances are kept; whoever is told of beyond them is left out until one goes. */
export const maxInstances = 1000;

/** How often it is looked for instances whose time is over, ms. */
const sweepMs = 1000;

interface Known {
  readonly key: string;
  readonly instance: Instance;
  /** By performance.now(): a clock that is moved makes nobody go. */
  expires: number;
}

export interface MdnsView extends Disposable {
  readonly current: readonly Instance[];
  has(name: string): boolean;
  hear(told: Told): void;
}

/** @param maxTtlMs an instance is kept for no longer than this without being heard of, whatever it says itself */
export function mdnsView(maxTtlMs: number, log: Log, changed: () => void): MdnsView {
  const known = new Map<string, Known>();
  let current: readonly Instance[] = [];
  let timer: ReturnType<typeof setInterval> | undefined;
  let full = false;

  function update(): void {
    current = [...known.values()].map(({ instance }) => instance);
    if (known.size > 0) timer ??= setInterval(sweep, sweepMs);
    else stop();
    changed();
  }

  function stop(): void {
    clearInterval(timer);
    timer = undefined;
  }

  function sweep(): void {
    const now = performance.now();
    const over = [...known].filter(([, { expires }]) => expires <= now);
    for (const [name] of over) known.delete(name);
    if (over.length > 0) update();
  }

  function add(told: Told, expires: number): void {
    if (!known.has(told.name) && known.size >= maxInstances) {
      if (!full) log.warn(`multicast DNS: more than ${maxInstances} instances, the others are left out`);
      full = true;
      return;
    }
    try {
      known.set(told.name, { key: told.key, instance: told.read(), expires });
      update();
    } catch (error) {
      log.debug(`multicast DNS: ${told.name} is not understood: ${errorText(error)}`);
    }
  }

  return {
    get current() {
      return current;
    },
    has: (name) => known.has(name),
    hear(told) {
      const before = known.get(told.name);
      const expires = performance.now() + Math.min(told.ttl * 1000, maxTtlMs);
      if (told.ttl > 0 && before?.key === told.key) before.expires = expires;
      else if (told.ttl > 0) add(told, expires);
      else if (known.delete(told.name)) update();
    },
    [Symbol.dispose]: stop,
  };
}

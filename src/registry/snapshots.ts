/** Watches over a set of instances that changes: each gets a whole snapshot whenever its own service's instances changed. */
import { bearers } from "../service-name.ts";
import type { Instance, WatchOptions } from "./registry.ts";

export interface Snapshots extends Disposable {
  /** Something may have changed: each watch looks. */
  changed(): void;
  /** As `Registry.watch`. Instances are told apart by identity. */
  watch(service: string, signal: AbortSignal, options?: WatchOptions): AsyncIterable<readonly Instance[]>;
}

export interface SnapshotsOptions {
  /** What is known now, always in the same order. */
  readonly current: () => Iterable<Instance>;
  /** Called when a service is watched; the first snapshot waits for it. It must settle when the signal is aborted. @default ready */
  readonly begin?: (service: string, signal: AbortSignal, options: WatchOptions) => Promise<void>;
  /** Called when a service is watched no longer. */
  readonly end?: (service: string) => void;
}

/** Disposing it ends all watches. */
export function snapshots({ current, begin, end }: SnapshotsOptions): Snapshots {
  const wakers = new Set<() => void>();
  const closing = new AbortController();

  async function* watch(
    service: string,
    asked: AbortSignal,
    options: WatchOptions = {},
  ): AsyncGenerator<readonly Instance[]> {
    const signal = AbortSignal.any([asked, closing.signal]);
    if (signal.aborted) return;
    let next = Promise.withResolvers<void>();
    const wake = (): void => next.resolve();
    wakers.add(wake);
    signal.addEventListener("abort", wake);
    try {
      await begin?.(service, signal, options);
      let last: readonly Instance[] | undefined;
      while (!signal.aborted) {
        next = Promise.withResolvers();
        const now = bearers(current(), service);
        if (last === undefined || !same(last, now)) {
          last = now;
          yield now;
        } else {
          await next.promise;
        }
      }
    } finally {
      wakers.delete(wake);
      signal.removeEventListener("abort", wake);
      end?.(service);
    }
  }

  return {
    changed: () => {
      for (const wake of wakers) wake();
    },
    watch,
    [Symbol.dispose]: () => closing.abort(),
  };
}

function same(one: readonly Instance[], other: readonly Instance[]): boolean {
  return one.length === other.length && one.every((instance, index) => instance === other[index]);
}

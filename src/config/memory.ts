/** A source whose tree is told by whoever made it. */
import type { MicrorunError } from "../errors.ts";
import type { ConfigData, ConfigSource } from "./config.ts";
import { ownTree, sameValue } from "./merge.ts";

export interface MemorySource extends ConfigSource {
  /** From now on the tree is this one. @throws MicrorunError `resource_exhausted` for one that is too large */
  set(data: ConfigData): void;
  /** From now on this is wrong; undefined: all is well. The tree stays. */
  fail(fault: MicrorunError | undefined): void;
}

/** @param traits as the source should have them */
export function memorySource(
  name: string,
  data: ConfigData,
  traits: Omit<ConfigSource, "name" | "watch"> = {},
): MemorySource {
  let tree = ownTree(data);
  let fault: MicrorunError | undefined;
  const wakers = new Set<() => void>();
  const tellers = new Set<(fault: MicrorunError | undefined) => void>();
  return {
    ...traits,
    name,
    set(next) {
      tree = ownTree(next);
      for (const wake of wakers) wake();
    },
    fail(next) {
      fault = next;
      for (const tell of tellers) tell(next);
    },
    async *watch(signal, tell) {
      let next = Promise.withResolvers<void>();
      const wake = (): void => next.resolve();
      wakers.add(wake);
      tellers.add(tell);
      signal.addEventListener("abort", wake);
      try {
        if (fault !== undefined) tell(fault);
        let given: ConfigData | undefined;
        while (!signal.aborted) {
          next = Promise.withResolvers();
          if (given === undefined || !sameValue(given, tree)) {
            given = tree;
            yield given;
          } else {
            await next.promise;
          }
        }
      } finally {
        wakers.delete(wake);
        tellers.delete(tell);
        signal.removeEventListener("abort", wake);
      }
    },
  };
}

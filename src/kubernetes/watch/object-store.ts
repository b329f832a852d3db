/** The objects now known, and those who want to hear of changes, at most once per turn of the loop. */
import { isDeepStrictEqual } from "node:util";
import { errorText } from "../../errors.ts";
import type { Log } from "../../log.ts";

export interface ObjectStore<T> extends Disposable {
  readonly current: ReadonlyMap<string, T>;
  /** Undefined: it is gone. */
  set(key: string, value: T | undefined): void;
  /** What is not in `items` is gone; there is no moment without the rest. */
  replace(items: Map<string, T>): void;
  onChange(changed: () => void): () => void;
}

export function objectStore<T>(log: Log): ObjectStore<T> {
  let current = new Map<string, T>();
  const listeners = new Set<() => void>();
  let pending: NodeJS.Immediate | undefined;

  const tell = (): void => {
    pending ??= setImmediate(() => {
      pending = undefined;
      for (const changed of [...listeners]) {
        try {
          changed();
        } catch (error) {
          log.error(`a change of the cluster could not be taken in: ${errorText(error)}`, { error });
        }
      }
    });
  };
  return {
    get current() {
      return current;
    },
    set: (key, value) => {
      if (value === undefined) {
        if (current.delete(key)) tell();
      } else if (!isDeepStrictEqual(current.get(key), value)) {
        current.set(key, value);
        tell();
      }
    },
    replace: (items) => {
      let same = items.size === current.size;
      for (const [key, value] of items) {
        const known = current.get(key);
        // the known one stays, so that whoever compares by identity sees no change
        if (known !== undefined && isDeepStrictEqual(known, value)) items.set(key, known);
        else same = false;
      }
      current = items;
      if (!same) tell();
    },
    onChange: (changed) => {
      // a wrapper of its own, so that the same function may listen twice
      const listener = () => changed();
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    [Symbol.dispose]: () => {
      clearImmediate(pending);
      pending = undefined;
      listeners.clear();
    },
  };
}

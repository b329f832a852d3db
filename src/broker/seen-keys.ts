/** The idempotency keys that a subscription has lately handled. */

/** Keys that are remembered, at most; the oldest go first. */
export const maxKeys = 10_000;
/** How long one is remembered, ms. */
export const keyMs = 600_000;

export interface SeenKeys {
  /** False: it is there already. */
  add(key: string): boolean;
  /** What it stood for was not handled. */
  remove(key: string): void;
}

export function seenKeys(now: () => number = Date.now): SeenKeys {
  /** When each was added, the oldest first. */
  const added = new Map<string, number>();
  return {
    add(key) {
      const at = added.get(key);
      if (at !== undefined && now() - at < keyMs) return false;
      added.delete(key);
      added.set(key, now());
      if (added.size > maxKeys) added.delete(added.keys().next().value!);
      return true;
    },
    remove: (key) => void added.delete(key),
  };
}

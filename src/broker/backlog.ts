/** What waits for its turn: bounded in number and in bytes, with places for those who bring more, first come first served. */

/** The bytes that wait, at most; one thing may be larger. */
export const maxWaitingBytes: number = 16 * 1024 * 1024;

export interface Backlog<T> {
  readonly length: number;
  /** Whoever brings more should wait for `room`, so that nobody overtakes. */
  readonly full: boolean;
  /** Resolves when there is room, false when there was none within `ms`. */
  room(ms: number): Promise<boolean>;
  add(item: T, bytes: number): void;
  /** To the front, whether there is room or not. */
  putBack(item: T, bytes: number): void;
  next(): T | undefined;
  /** Takes out all, and sends away those who wait for room. */
  clear(): T[];
}

interface Entry<T> {
  readonly item: T;
  readonly bytes: number;
}

/** Entries taken out before the array is made shorter: that costs as much as it is long. */
const maxGone = 1024;

/** @param maxCount things that wait, at most */
export function createBacklog<T>(maxCount: number): Backlog<T> {
  let entries: (Entry<T> | undefined)[] = [];
  /** Of the first that is there. */
  let head = 0;
  /** Who waits for room. */
  const wanting = new Set<(found: boolean) => void>();
  let bytes = 0;
  /** Places given to those who waited for one, and not yet taken. */
  let promised = 0;

  const count = (): number => entries.length - head;
  const isFull = (): boolean => count() + promised >= maxCount || bytes >= maxWaitingBytes;

  return {
    get length() {
      return count();
    },
    get full() {
      return wanting.size > 0 || isFull();
    },
    async room(ms) {
      if (wanting.size === 0 && !isFull()) return true;
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const told = (found: boolean): void => {
        wanting.delete(told);
        if (found) promised++;
        resolve(found);
      };
      wanting.add(told);
      const timer = setTimeout(told, ms, false);
      const found = await promise;
      clearTimeout(timer);
      if (found) promised--;
      return found;
    },
    add(item, size) {
      entries.push({ item, bytes: size });
      bytes += size;
    },
    putBack(item, size) {
      if (head > 0) entries[--head] = { item, bytes: size };
      else entries.unshift({ item, bytes: size });
      bytes += size;
    },
    next() {
      const first = entries[head];
      if (first === undefined) return undefined;
      entries[head++] = undefined;
      if (head >= maxGone || head === entries.length) {
        entries = entries.slice(head);
        head = 0;
      }
      bytes -= first.bytes;
      for (const told of wanting) {
        if (isFull()) break;
        told(true);
      }
      return first.item;
    },
    clear() {
      const all = entries.slice(head).flatMap((entry) => (entry === undefined ? [] : [entry.item]));
      [entries, head, bytes] = [[], 0, 0];
      for (const told of wanting) told(false);
      return all;
    },
  };
}

/** HPACK's encoder (RFC 7541 §6): a field goes to the table when it is sent again, so that unique values never churn it. */
import { entrySize, staticCount, staticNames, staticValues, tableBytes } from "./header-table.ts";
import { huffmanEncode, huffmanLength } from "./huffman.ts";
import { putLatin1 } from "./latin1.ts";

export interface HpackEncoder {
  /** Another number whenever an index handed out so far may mean something else. */
  readonly version: number;
  /** The next block must open with `begin`: the peer changed the table's size. */
  readonly resized: boolean;
  /** The peer's SETTINGS_HEADER_TABLE_SIZE. */
  resize(maxBytes: number): void;
  /** Writes what a block opens with. Like `field`, it returns where it ended. */
  begin(into: Buffer, at: number): number;
  /** @param lasting the field will be sent again: into the table at once */
  field(into: Buffer, at: number, name: string, value: string, lasting: boolean): number;
}

/** Entries larger than this are not worth the others that they would evict. */
const maxEntryBytes = 1024;

interface Sent {
  value: string;
  /** Of the entry that it has become; below those that were evicted: none. */
  number: number;
}

/** Names whose last value is remembered. */
const maxRemembered = 64;

/** Never in a table, here or at a proxy (§7.1.3). */
const secret = new Set(["authorization", "proxy-authorization", "cookie", "set-cookie"]);

/** The first index of each static name, and of each static pair. */
const nameIndexes = new Map<string, number>();
const pairIndexes = new Map<string, Map<string, number>>();
for (let index = staticCount; index > 0; index--) {
  const name = staticNames[index]!;
  const value = staticValues[index]!;
  nameIndexes.set(name, index);
  if (value === "") continue;
  const pairs = pairIndexes.get(name) ?? new Map<string, number>();
  pairIndexes.set(name, pairs.set(value, index));
}

export function hpackEncoder(huffman: boolean): HpackEncoder {
  /** Name NUL value → how many were inserted before it, in order of insertion. */
  const numbers = new Map<string, number>();
  /** By name, what was last sent under it as not lasting. */
  const remembered = new Map<string, Sent>();
  let inserted = 0;
  let evicted = 0;
  let size = 0;
  let maxSize = tableBytes;
  /** The smallest of the sizes since the last block; -1 when there was none. */
  let smallest = -1;
  let version = 0;

  const shrinkTo = (limit: number): void => {
    for (const pair of numbers.keys()) {
      if (size <= limit) return;
      numbers.delete(pair);
      evicted += 1;
      // the NUL between name and value is no part of the entry
      size -= entrySize(pair, "") - 1;
    }
  };

  const text = (into: Buffer, at: number, value: string): number => {
    if (huffman) {
      const length = huffmanLength(value);
      if (length < value.length) return huffmanEncode(value, into, integer(into, at, 0x80, 127, length));
    }
    return putLatin1(into, integer(into, at, 0, 127, value.length), value);
  };

  const literal = (
    into: Buffer,
    at: number,
    kind: number,
    mask: number,
    name: string,
    value: string,
  ): number => {
    const index = nameIndexes.get(name) ?? 0;
    const after = integer(into, at, kind, mask, index);
    return text(into, index === 0 ? text(into, after, name) : after, value);
  };

  return {
    get version() {
      return version;
    },
    get resized() {
      return smallest >= 0;
    },
    resize(maxBytes) {
      const limit = Math.min(maxBytes, tableBytes);
      if (limit === maxSize) return;
      smallest = smallest < 0 ? limit : Math.min(smallest, limit);
      maxSize = limit;
      version += 1;
      shrinkTo(limit);
    },
    begin(into, at) {
      if (smallest < 0) return at;
      const after = smallest < maxSize ? integer(into, at, 0x20, 31, smallest) : at;
      smallest = -1;
      return integer(into, after, 0x20, 31, maxSize);
    },
    field(into, at, name, value, lasting) {
      const last = lasting ? undefined : remembered.get(name);
      const isRepeated = last?.value === value;
      if (isRepeated && last!.number >= evicted)
        return integer(into, at, 0x80, 127, staticCount + inserted - last!.number);
      const index = pairIndexes.get(name)?.get(value);
      if (index !== undefined) return integer(into, at, 0x80, 127, index);
      if (secret.has(name)) return literal(into, at, 0x10, 15, name, value);
      const added = entrySize(name, value);
      if (added > maxSize || added > maxEntryBytes) return literal(into, at, 0, 15, name, value);
      if (!lasting && !isRepeated) {
        if (last !== undefined) {
          last.value = value;
          last.number = -1;
        } else {
          if (remembered.size >= maxRemembered) remembered.clear();
          remembered.set(name, { value, number: -1 });
        }
        return literal(into, at, 0, 15, name, value);
      }
      const pair = `${name}\0${value}`;
      const number = numbers.get(pair) ?? -1;
      if (number >= 0) {
        if (last !== undefined) last.number = number;
        return integer(into, at, 0x80, 127, staticCount + inserted - number);
      }
      shrinkTo(maxSize - added);
      if (last !== undefined) last.number = inserted;
      numbers.set(pair, inserted++);
      size += added;
      version += 1;
      return literal(into, at, 0x40, 63, name, value);
    },
  };
}

/** §5.1 */
function integer(into: Buffer, at: number, kind: number, mask: number, value: number): number {
  let end = at;
  if (value < mask) {
    into[end++] = kind | value;
    return end;
  }
  into[end++] = kind | mask;
  let left = value - mask;
  for (; left > 127; left >>>= 7) into[end++] = (left & 127) | 128;
  into[end++] = left;
  return end;
}

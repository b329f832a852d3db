/** HPACK's dynamic table as a decoder keeps it (RFC 7541 §2.3.2, §4): a ring, the newest entry at index 1. */
import { entryOverhead, entrySize, tableBytes } from "./header-table.ts";

export interface DecodingTable {
  /** By slot. */
  readonly names: readonly string[];
  readonly values: readonly string[];
  /** What is wrong with an entry, as `insert` was told. */
  readonly flaws: Uint8Array;
  /** Where the entry of an index is; -1: there is none. */
  slotOf(index: number): number;
  /** One that is larger than the table empties it (§4.4). */
  insert(name: string, value: string, flaw: number): void;
  resize(maxBytes: number): void;
}

/** An entry has at least its overhead, so this many always suffice. */
const slots = tableBytes / entryOverhead;

export function decodingTable(): DecodingTable {
  const names = new Array<string>(slots).fill("");
  const values = new Array<string>(slots).fill("");
  const flaws = new Uint8Array(slots);
  let inserted = 0;
  let live = 0;
  let size = 0;
  let maxSize = tableBytes;

  const shrinkTo = (limit: number): void => {
    while (size > limit) {
      const slot = (inserted - live) & (slots - 1);
      live -= 1;
      size -= entrySize(names[slot]!, values[slot]!);
      names[slot] = values[slot] = "";
    }
  };

  return {
    names,
    values,
    flaws,
    slotOf: (index) => (index > live ? -1 : (inserted - index) & (slots - 1)),
    insert(name, value, flaw) {
      const added = entrySize(name, value);
      shrinkTo(Math.max(0, maxSize - added));
      if (added > maxSize) return;
      const slot = inserted++ & (slots - 1);
      names[slot] = name;
      values[slot] = value;
      flaws[slot] = flaw;
      live += 1;
      size += added;
    },
    resize(maxBytes) {
      maxSize = maxBytes;
      shrinkTo(maxBytes);
    },
  };
}

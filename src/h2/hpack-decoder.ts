/** HPACK's decoder (RFC 7541 §3, §6): header blocks of one connection to header lists; blocks that repeat are kept. */
import { ConnectionError } from "./connection-error.ts";
import { decodingTable } from "./decoding-table.ts";
import { errorCodes, type HeaderBlock } from "./h2.ts";
import type { HeadKind } from "./header-rules.ts";
import { entrySize, staticCount, staticNames, staticValues, tableBytes } from "./header-table.ts";
import { huffmanDecode, maxExpansion } from "./huffman.ts";
import { latin1Text } from "./latin1.ts";

/** A header block, and whether it is one that may be used. */
export interface DecodedBlock extends HeaderBlock {
  readonly fields: string[];
  /** Of the list, as RFC 9113 §6.5.2 counts it. */
  bytes: number;
  truncated: boolean;
  /** A field that HTTP/2 does not allow (RFC 9113 §8.2.1): the stream is in error, not the connection. */
  malformed: boolean;
  /** What kind of head it is known to be in order as. */
  soundAs: HeadKind | undefined;
}

export interface HpackDecoder {
  /** Decodes one whole block. @throws ConnectionError: the tables of both ends are no longer the same */
  decode(bytes: Buffer, start: number, end: number): DecodedBlock;
}

/** Blocks made of nothing but indexed fields, kept until the table changes. */
const maxKeptBlocks = 64;
const maxKeptBytes = 64;
/** The block that came last is kept whatever it is made of, up to so many bytes. */
const maxLastBytes = 512;

/** What a field has wrong: bits. */
const badName = 1;
const badValue = 2;

/** Characters of a field name; upper case is not among them. */
const nameCharacters = new Uint8Array(256);
for (const character of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")
  nameCharacters[character.charCodeAt(0)] = 1;

/** Where Huffman codes are decoded to, for no longer than it takes to make a string. */
let scratch = Buffer.alloc(0);

export function hpackDecoder(maxListBytes: number): HpackDecoder {
  const table = decodingTable();
  const kept = new Map<string, DecodedBlock>();
  /** The block that came last: it mostly comes again. */
  let last: DecodedBlock | undefined;
  let lastBytes: Buffer | undefined;
  let lastLength = 0;
  /** The block being read has changed the table. */
  let changed = false;

  const forget = (): void => {
    changed = true;
    last = undefined;
    if (kept.size > 0) kept.clear();
  };

  /** Where the field being read is, and what it has wrong. */
  let at = 0;
  let flaw = 0;

  const slotOf = (index: number): number => {
    const slot = table.slotOf(index - staticCount);
    if (slot < 0) throw broken("index");
    return slot;
  };

  const integer = (bytes: Buffer, end: number, mask: number): number => {
    let value = bytes[at++]! & mask;
    if (value < mask) return value;
    for (let shift = 0; ; shift += 7) {
      if (at >= end || shift > 21) throw broken("integer");
      const byte = bytes[at++]!;
      value += (byte & 127) << shift;
      if (byte < 128) return value;
    }
  };

  const text = (bytes: Buffer, end: number, isName: boolean): string => {
    if (at >= end) throw broken("string");
    const coded = bytes[at]! >= 128;
    const length = integer(bytes, end, 127);
    let source = bytes;
    let start = at;
    let stop = start + length;
    if (stop > end) throw broken("string length");
    at = stop;
    if (coded) {
      if (length * maxExpansion > scratch.length) scratch = Buffer.allocUnsafeSlow(length * 2);
      stop = huffmanDecode(bytes, start, stop, scratch);
      if (stop < 0) throw broken("Huffman code");
      source = scratch;
      start = 0;
    }
    if (isName ? !isNameText(source, start, stop) : !isValueText(source, start, stop))
      flaw |= isName ? badName : badValue;
    return latin1Text(source, start, stop);
  };

  const read = (bytes: Buffer, start: number, end: number): DecodedBlock => {
    const block: DecodedBlock = {
      fields: [],
      bytes: 0,
      truncated: false,
      malformed: false,
      soundAs: undefined,
      note: undefined,
    };
    let begun = false;
    at = start;
    while (at < end) {
      const first = bytes[at]!;
      let name: string;
      let value: string;
      flaw = 0;
      if (first >= 0x80) {
        const index = integer(bytes, end, 127);
        if (index === 0) throw broken("index");
        if (index <= staticCount) {
          name = staticNames[index]!;
          value = staticValues[index]!;
        } else {
          const slot = slotOf(index);
          name = table.names[slot]!;
          value = table.values[slot]!;
          flaw = table.flaws[slot]!;
        }
      } else if (first >> 5 === 1) {
        const limit = integer(bytes, end, 31);
        if (begun || limit > tableBytes) throw broken("table size");
        forget();
        table.resize(limit);
        continue;
      } else {
        const indexed = first >= 0x40;
        const index = integer(bytes, end, indexed ? 63 : 15);
        if (index === 0) name = text(bytes, end, true);
        else if (index <= staticCount) name = staticNames[index]!;
        else {
          const slot = slotOf(index);
          name = table.names[slot]!;
          flaw = table.flaws[slot]! & badName;
        }
        value = text(bytes, end, false);
        if (indexed) {
          forget();
          table.insert(name, value, flaw);
        }
      }
      begun = true;
      if (flaw !== 0) block.malformed = true;
      block.bytes += entrySize(name, value);
      if (block.bytes > maxListBytes) block.truncated = true;
      else block.fields.push(name, value);
    }
    return block;
  };

  return {
    decode(bytes, start, end) {
      const length = end - start;
      if (last !== undefined && length === lastLength && isSame(lastBytes!, bytes, start, end)) return last;
      const key = isAllIndexed(bytes, start, end) ? latin1Text(bytes, start, end) : undefined;
      changed = false;
      const block = (key === undefined ? undefined : kept.get(key)) ?? read(bytes, start, end);
      // one that adds to the table means something else the next time
      if (changed || length > maxLastBytes) return block;
      last = block;
      lastBytes ??= Buffer.allocUnsafeSlow(maxLastBytes);
      lastLength = bytes.copy(lastBytes, 0, start, end);
      if (key === undefined) return block;
      if (kept.size >= maxKeptBlocks) kept.clear();
      kept.set(key, block);
      return block;
    },
  };
}

function broken(what: string): ConnectionError {
  return new ConnectionError(errorCodes.compression, `header block: ${what}`);
}

function isSame(known: Buffer, bytes: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (known[i - start] !== bytes[i]) return false;
  return true;
}

/** One byte a field, each an index. */
function isAllIndexed(bytes: Buffer, start: number, end: number): boolean {
  if (end - start > maxKeptBytes) return false;
  for (let i = start; i < end; i++) if (bytes[i]! < 0x80 || bytes[i] === 0xff) return false;
  return true;
}

function isNameText(bytes: Buffer, start: number, end: number): boolean {
  const colon = 58;
  if (start === end) return false;
  for (let i = bytes[start] === colon ? start + 1 : start; i < end; i++)
    if (!nameCharacters[bytes[i]!]) return false;
  return true;
}

/** No control characters but tab. Space around a value passes: a grpc-message ends as it likes. */
function isValueText(bytes: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte < 32 ? byte !== 9 : byte === 127) return false;
  }
  return true;
}

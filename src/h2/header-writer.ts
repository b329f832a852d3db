/** HEADERS and CONTINUATION, written (RFC 9113 §6.2, §6.10); the encoded form of shared lists is kept. */
import type { Connection, EncodedBlock } from "./connection.ts";
import { flags, frameTypes, headBytes, maxFrameBytes } from "./frame-code.ts";
import { type Fields, listBytes } from "./h2.ts";
import { flushLater, flushSoon, type Output, openFrame, room } from "./output.ts";

/** Shared lists whose encoded form a connection keeps. */
const maxEncodedBlocks = 256;
/** Of a table size update, which opens a block. */
const updateRoom = 8;

/** @returns false for a list larger than the peer takes: nothing was written */
export function writeHeaders(
  connection: Connection,
  stream: number,
  shared: Fields,
  own: Fields | undefined,
  ends: boolean,
): boolean {
  const { output, encoder, peerMaxHeaderListBytes } = connection;
  const kept = keptBlock(connection, shared);
  const endFlag = ends ? flags.endStream : 0;
  if (kept !== undefined && own === undefined) {
    const { bytes } = kept;
    if (kept.listBytes > peerMaxHeaderListBytes) return false;
    const buffer = openFrame(output, bytes.length, frameTypes.headers, flags.endHeaders | endFlag, stream);
    let { at } = output;
    // a loop: blocks of a few bytes are the rule, for which `set` costs more
    for (let i = 0; i < bytes.length; i++) buffer[at++] = bytes[i]!;
    output.at = at;
    leave(output, ends);
    return true;
  }

  const sharedBytes = kept?.listBytes ?? listBytes(shared);
  const allBytes = own === undefined ? sharedBytes : sharedBytes + listBytes(own);
  if (allBytes > peerMaxHeaderListBytes) return false;
  // a field takes less than it counts for: Huffman's code is used only where it is shorter than the text
  const most = updateRoom + allBytes;
  const fits = most <= maxFrameBytes;
  const buffer = fits ? room(output, headBytes + most) : Buffer.allocUnsafe(most);
  const head = output.at;
  if (fits) openFrame(output, 0, frameTypes.headers, flags.endHeaders | endFlag, stream);
  const start = fits ? output.at : 0;
  let at = start;
  if (kept !== undefined) {
    buffer.set(kept.bytes, at);
    at += kept.bytes.length;
  } else {
    const { version, resized } = encoder;
    at = encoder.begin(buffer, at);
    for (let i = 0; i < shared.length; i += 2)
      at = encoder.field(buffer, at, shared[i]!, shared[i + 1]!, true);
    // an insertion must be sent once only: the next time the fields are indexed, then the block is kept
    if (!resized && version === encoder.version) {
      const bytes = Uint8Array.prototype.slice.call(buffer, start, at);
      keep(connection, shared, { version, bytes, listBytes: sharedBytes });
    }
  }
  if (own !== undefined)
    for (let i = 0; i < own.length; i += 2) at = encoder.field(buffer, at, own[i]!, own[i + 1]!, false);

  if (!fits) writeSplit(connection, stream, buffer.subarray(0, at), endFlag);
  else {
    const length = at - start;
    buffer[head] = length >> 16;
    buffer[head + 1] = length >> 8;
    buffer[head + 2] = length;
    output.at = at;
  }
  leave(output, ends);
  return true;
}

function leave(output: Output, ends: boolean): void {
  if (ends) flushSoon(output);
  else flushLater(output);
}

function keptBlock({ encoder, encodedBlocks }: Connection, shared: Fields): EncodedBlock | undefined {
  if (encoder.resized) return undefined;
  const block = encodedBlocks.get(shared);
  return block?.version === encoder.version ? block : undefined;
}

function keep({ encodedBlocks }: Connection, shared: Fields, block: EncodedBlock): void {
  if (encodedBlocks.size >= maxEncodedBlocks) encodedBlocks.clear();
  encodedBlocks.set(shared, block);
}

function writeSplit({ output }: Connection, stream: number, block: Buffer, endFlag: number): void {
  for (let start = 0; start < block.length; start += maxFrameBytes) {
    const end = Math.min(block.length, start + maxFrameBytes);
    const type = start === 0 ? frameTypes.headers : frameTypes.continuation;
    const flagBits = (start === 0 ? endFlag : 0) | (end === block.length ? flags.endHeaders : 0);
    const buffer = openFrame(output, end - start, type, flagBits, stream);
    block.copy(buffer, output.at, start, end);
    output.at += end - start;
  }
}

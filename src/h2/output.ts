/** What a connection sends: frames gathered in pooled buffers, and written once for each turn of the loop. */
import type { BufferPool } from "./buffer-pool.ts";
import { flags, frameTypes, headBytes, maxFrameBytes } from "./frame-code.ts";
import type { ByteSocket } from "./h2.ts";

interface Part {
  readonly buffer: Buffer;
  start: number;
  readonly end: number;
}

export interface Output {
  readonly socket: ByteSocket;
  readonly pool: BufferPool;
  /** Called after each attempt to write. */
  readonly written: () => void;
  readonly now: () => number;
  /** The buffer being filled, and how far. */
  buffer: Buffer | undefined;
  at: number;
  /** Filled buffers that the socket has not taken. */
  parts: Part[];
  partBytes: number;
  /** The last frame when it is DATA that more can be added to: whose, where it starts and where it ends. */
  tailStream: number;
  tailStart: number;
  tailEnd: number;
  flushing: boolean;
  /** Will be flushed at the end of the turn. */
  lingering: boolean;
  /** Since when the socket takes nothing; 0: it does. */
  stalledAt: number;
  closed: boolean;
}

/** So much is worth a write of its own. */
const fullWriteBytes = 65_536;

export function createOutput(
  socket: ByteSocket,
  pool: BufferPool,
  now: () => number,
  written: () => void,
): Output {
  return {
    socket,
    pool,
    written,
    now,
    buffer: undefined,
    at: 0,
    parts: [],
    partBytes: 0,
    tailStream: 0,
    tailStart: 0,
    tailEnd: 0,
    flushing: false,
    lingering: false,
    stalledAt: 0,
    closed: false,
  };
}

export function unsentBytes(output: Output): number {
  return output.partBytes + output.at;
}

/** The buffer with room for `bytes` more at `output.at`, in one piece. */
export function room(output: Output, bytes: number): Buffer {
  const { buffer, pool } = output;
  if (buffer !== undefined && buffer.length - output.at >= bytes) return buffer;
  if (buffer !== undefined) setAside(output, buffer);
  const pooled = pool.take();
  if (pooled.length >= bytes) {
    output.buffer = pooled;
    return pooled;
  }
  pool.give(pooled);
  output.buffer = Buffer.allocUnsafeSlow(bytes);
  return output.buffer;
}

function setAside(output: Output, buffer: Buffer): void {
  if (output.at === 0) output.pool.give(buffer);
  else output.parts.push({ buffer, start: 0, end: output.at });
  output.partBytes += output.at;
  output.buffer = undefined;
  output.at = 0;
  output.tailStream = 0;
}

/** Writes a frame's head; `length` bytes of payload must follow, for which there is room. */
export function openFrame(
  output: Output,
  length: number,
  type: number,
  flagBits: number,
  stream: number,
): Buffer {
  const buffer = room(output, headBytes + length);
  const { at } = output;
  buffer[at] = length >> 16;
  buffer[at + 1] = length >> 8;
  buffer[at + 2] = length;
  buffer[at + 3] = type;
  buffer[at + 4] = flagBits;
  buffer[at + 5] = stream >>> 24;
  buffer[at + 6] = stream >> 16;
  buffer[at + 7] = stream >> 8;
  buffer[at + 8] = stream;
  output.at = at + headBytes;
  return buffer;
}

/** Opens `length` bytes of DATA: a new frame, or the last one grown when it is the same stream's and unsent. */
export function openData(output: Output, stream: number, length: number, ends: boolean): Buffer {
  const flagBits = ends ? flags.endStream : 0;
  const { buffer, tailStart, at } = output;
  if (output.tailStream === stream && output.tailEnd === at && buffer !== undefined) {
    const grown = at - tailStart - headBytes + length;
    if (grown <= maxFrameBytes && buffer.length - at >= length) {
      buffer[tailStart] = grown >> 16;
      buffer[tailStart + 1] = grown >> 8;
      buffer[tailStart + 2] = grown;
      buffer[tailStart + 4] = flagBits;
      output.tailEnd = at + length;
      if (ends) output.tailStream = 0;
      return buffer;
    }
  }
  const opened = openFrame(output, length, frameTypes.data, flagBits, stream);
  output.tailStream = ends ? 0 : stream;
  output.tailStart = output.at - headBytes;
  output.tailEnd = output.at + length;
  return opened;
}

export function putUint32(output: Output, value: number): void {
  const buffer = output.buffer!;
  const { at } = output;
  buffer[at] = value >>> 24;
  buffer[at + 1] = value >> 16;
  buffer[at + 2] = value >> 8;
  buffer[at + 3] = value;
  output.at = at + 4;
}

/** Writes after the microtasks that are due now: handlers that are ready to answer share the write. */
export function flushSoon(output: Output): void {
  if (output.flushing) return;
  output.flushing = true;
  queueMicrotask(() =>
    queueMicrotask(() => {
      output.flushing = false;
      flush(output);
    }),
  );
}

/** Writes at the end of the loop's turn, for what is likely to be followed by more: a stream's messages share the write. */
export function flushLater(output: Output): void {
  if (unsentBytes(output) >= fullWriteBytes) flush(output);
  if (output.flushing || output.lingering) return;
  output.lingering = true;
  // most heads and messages are ended in the same breath, and leave with the end
  queueMicrotask(() => {
    if (output.flushing) output.lingering = false;
    else
      setImmediate(() => {
        output.lingering = false;
        flush(output);
      });
  });
}

/** Offers the socket everything. */
export function flush(output: Output): void {
  const { buffer, parts } = output;
  if (output.closed) return;
  if (buffer !== undefined && output.at > 0 && parts.length === 0) {
    const taken = output.socket.write(buffer, 0, output.at);
    if (taken === output.at) {
      output.pool.give(buffer);
      output.buffer = undefined;
      output.at = output.tailStream = output.stalledAt = 0;
      output.written();
      return;
    }
    setAside(output, buffer);
    advance(output, parts[0]!, taken);
    if (!output.closed) output.written();
    return;
  }
  if (buffer !== undefined) setAside(output, buffer);
  while (!output.closed && parts.length > 0) {
    const part = parts[0]!;
    const length = part.end - part.start;
    const taken = output.socket.write(part.buffer, part.start, length);
    advance(output, part, taken);
    if (taken < length) break;
    parts.shift();
    output.pool.give(part.buffer);
  }
  if (parts.length === 0) output.stalledAt = 0;
  if (!output.closed) output.written();
}

function advance(output: Output, part: Part, taken: number): void {
  if (taken < 0) {
    discard(output);
    return;
  }
  part.start += taken;
  output.partBytes -= taken;
  if (taken > 0 || output.stalledAt === 0) output.stalledAt = output.now();
}

/** The socket is gone: nothing is kept, nothing more is written. */
export function discard(output: Output): void {
  const { pool, parts, buffer } = output;
  for (const part of parts) pool.give(part.buffer);
  if (buffer !== undefined) pool.give(buffer);
  output.parts = [];
  output.buffer = undefined;
  output.partBytes = output.at = output.tailStream = 0;
  output.closed = true;
}

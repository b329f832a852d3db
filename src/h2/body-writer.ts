/** DATA, written as the peer's windows and the socket allow (RFC 9113 §5.2, §6.1). */
import { remove, withhold } from "./closing.ts";
import type { Connection, StreamState } from "./connection.ts";
import { costs, earn } from "./flood-budget.ts";
import { maxFrameBytes } from "./frame-code.ts";
import type { Fields } from "./h2.ts";
import { writeHeaders } from "./header-writer.ts";
import { charge } from "./memory.ts";
import { flushLater, flushSoon, openData, unsentBytes } from "./output.ts";

/** Above this many unsent bytes no more DATA is framed: what waits, waits where the writer sees it. */
export const highWaterBytes = 262_144;
/** Up to here a loop copies faster than `set`. */
const maxLoop = 48;

/** What came of framing what a stream has pending. */
const steps = { windowClosed: 0, connectionFull: 1, more: 2, done: 3 } as const;

export function write(stream: StreamState, bytes: Uint8Array, prefix: Uint8Array | undefined): boolean {
  if (stream.closed || stream.localEnded || stream.endWanted) return true;
  const { connection } = stream;
  const { output } = connection;
  const total = bytes.length + (prefix?.length ?? 0);
  if (total === 0) return stream.pendingBytes === 0;
  if (
    stream.pendingBytes === 0 &&
    total <= maxFrameBytes &&
    total <= stream.sendWindow &&
    total <= connection.sendWindow &&
    unsentBytes(output) < highWaterBytes
  ) {
    const buffer = openData(output, stream.id, total, false);
    let at = prefix === undefined ? output.at : copy(prefix, buffer, output.at);
    at = copy(bytes, buffer, at);
    output.at = at;
    stream.sendWindow -= total;
    connection.sendWindow -= total;
    flushLater(output);
    return true;
  }
  if (stream.pendingBytes === 0) {
    stream.movedAt = connection.now();
    stream.pending = [];
    stream.pendingAt = 0;
  }
  if (prefix !== undefined && prefix.length > 0) stream.pending.push(prefix.slice());
  if (bytes.length > 0) stream.pending.push(bytes);
  stream.pendingBytes += total;
  connection.queuedBytes += total;
  charge(connection.memory, connection.account, total);
  pump(stream);
  return stream.pendingBytes === 0;
}

function copy(bytes: Uint8Array, into: Buffer, at: number): number {
  const { length } = bytes;
  if (length < maxLoop) for (let i = 0; i < length; i++) into[at + i] = bytes[i]!;
  else into.set(bytes, at);
  return at + length;
}

export function ready(stream: StreamState): Promise<void> | undefined {
  if (stream.closed) return undefined;
  if (stream.pendingBytes === 0 && stream.id !== 0) {
    if (unsentBytes(stream.connection.output) < highWaterBytes) return undefined;
    block(stream);
  }
  return new Promise((resolve) => {
    const { wake } = stream;
    stream.wake = () => {
      wake?.();
      resolve();
    };
  });
}

export function end(stream: StreamState): void {
  if (stream.closed || stream.localEnded || stream.endWanted) return;
  stream.endWanted = true;
  if (stream.pendingBytes > 0 || stream.id === 0) return;
  openData(stream.connection.output, stream.id, 0, true);
  finish(stream);
}

export function endWith(stream: StreamState, shared: Fields, own: Fields | undefined): void {
  if (stream.closed || stream.localEnded || stream.endWanted) return;
  stream.endWanted = true;
  stream.trailers = { shared, own };
  if (stream.pendingBytes === 0 && stream.id !== 0) finish(stream);
}

/** Our side has ended; its trailers go now if it has any. */
function finish(stream: StreamState): void {
  const { connection, trailers } = stream;
  if (trailers === undefined || writeHeaders(connection, stream.id, trailers.shared, trailers.own, true))
    closeLocal(stream);
  else withhold(stream);
}

/** END_STREAM has been framed. */
export function closeLocal(stream: StreamState): void {
  stream.localEnded = true;
  flushSoon(stream.connection.output);
  if (stream.remoteEnded) remove(stream, false);
}

/** One frame of what is pending. */
function step(stream: StreamState): number {
  const { connection } = stream;
  const { output } = connection;
  if (stream.closed) return steps.done;
  const isFull = unsentBytes(output) >= highWaterBytes;
  if (stream.pendingBytes === 0) {
    if (isFull) return steps.connectionFull;
    wake(stream);
    return steps.done;
  }
  if (stream.sendWindow <= 0) return steps.windowClosed;
  if (connection.sendWindow <= 0 || isFull) return steps.connectionFull;

  const length = Math.min(stream.pendingBytes, maxFrameBytes, stream.sendWindow, connection.sendWindow);
  const isLast = length === stream.pendingBytes;
  const ends = isLast && stream.endWanted && stream.trailers === undefined;
  fill(stream, openData(output, stream.id, length, ends), length);
  flushLater(output);
  // the peer answers each frame with WINDOW_UPDATE, for the stream and for the connection
  earn(connection.budget, costs.windowUpdate, 2);
  stream.movedAt = connection.now();
  if (!isLast) return steps.more;
  if (ends) closeLocal(stream);
  else if (stream.endWanted) finish(stream);
  wake(stream);
  return steps.done;
}

/** Copies the next pending bytes into an opened frame. */
function fill(stream: StreamState, buffer: Buffer, length: number): void {
  const { connection, pending } = stream;
  const { output } = connection;
  let left = length;
  let emptied = 0;
  while (left > 0) {
    const bytes = pending[emptied]!;
    const count = Math.min(left, bytes.length - stream.pendingAt);
    buffer.set(
      count === bytes.length ? bytes : bytes.subarray(stream.pendingAt, stream.pendingAt + count),
      output.at,
    );
    output.at += count;
    left -= count;
    stream.pendingAt += count;
    if (stream.pendingAt < bytes.length) continue;
    stream.pendingAt = 0;
    emptied += 1;
  }
  if (emptied > 0) pending.splice(0, emptied);
  stream.pendingBytes -= length;
  stream.sendWindow -= length;
  connection.sendWindow -= length;
  connection.queuedBytes -= length;
  charge(connection.memory, connection.account, -length);
}

function wake(stream: StreamState): void {
  const { wake } = stream;
  stream.wake = undefined;
  wake?.();
}

function block(stream: StreamState): void {
  if (stream.isBlocked) return;
  stream.isBlocked = true;
  stream.connection.blocked.push(stream);
}

/** Frames as much as may go: the stream's window has opened, or something was written. */
export function pump(stream: StreamState): void {
  let result: number;
  do result = step(stream);
  while (result === steps.more);
  if (result === steps.connectionFull) block(stream);
}

/** The connection has room again: its streams take turns, a frame each. */
export function pumpBlocked(connection: Connection): void {
  let turn = connection.blocked;
  if (turn.length === 0) return;
  connection.blocked = [];
  for (const stream of turn) stream.isBlocked = false;
  while (turn.length > 0) {
    const again: StreamState[] = [];
    for (const stream of turn) {
      const result = step(stream);
      if (result === steps.more) again.push(stream);
      else if (result === steps.connectionFull) block(stream);
    }
    turn = again;
  }
}

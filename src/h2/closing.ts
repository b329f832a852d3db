/** How streams and connections end: reset, GOAWAY, drain, failure (RFC 9113 §5.4, §6.4, §6.8). */
import type { Connection, StreamState } from "./connection.ts";
import { costs, earn, spend } from "./flood-budget.ts";
import { maxStreamId } from "./frame-code.ts";
import { writeGoAway, writePing, writeReset } from "./frame-writer.ts";
import { type Ending, errorCodes } from "./h2.ts";
import { charge, leave } from "./memory.ts";
import { discard, flush, unsentBytes } from "./output.ts";

/** The PING whose answer says that the peer has read our first GOAWAY. */
export const drainMark = 0x67;
/** Of `recent`: a power of two. */
export const recentStreams = 256;

/** Half of what a reset costs: peers that mostly let calls finish may cancel some. */
const finishedCredit = 0.5;

export function remember(connection: Connection, id: number, wasOurs: boolean): void {
  connection.recent[(id >>> 1) & (recentStreams - 1)] = wasOurs ? -id : id;
}

/** -1: we reset it, 1: the peer saw it end, 0: too long ago to know. */
export function memoryOf(connection: Connection, id: number): number {
  const entry = connection.recent[(id >>> 1) & (recentStreams - 1)]!;
  return Math.abs(entry) === id ? Math.sign(entry) : 0;
}

/** Takes a stream out of its connection. @param wasOurs what comes late for it is to be expected */
export function remove(stream: StreamState, wasOurs: boolean): void {
  if (stream.closed) return;
  const { connection } = stream;
  stream.closed = true;
  charge(connection.memory, connection.account, -stream.heldBytes - stream.pendingBytes);
  connection.queuedBytes -= stream.pendingBytes;
  if (stream.pendingBytes > 0) stream.pending = [];
  stream.pendingBytes = stream.heldBytes = 0;
  if (stream.id === 0) connection.waiting.delete(stream);
  else {
    remember(connection, stream.id, wasOurs);
    connection.streams.delete(stream.id);
  }
  if (stream.localEnded && stream.remoteEnded) earn(connection.budget, costs.reset, finishedCredit);
  stream.wake?.();
  stream.wake = undefined;
  if (connection.streams.size === 0) {
    connection.idleAt = connection.lastReadAt;
    if (connection.draining) finishSoon(connection);
  }
  connection.onRoom();
}

/** Removes a stream and tells its listener, who is not to harm the others. */
export function abandon(stream: StreamState, ending: Ending, wasOurs = true): void {
  if (stream.closed) return;
  remove(stream, wasOurs);
  try {
    stream.listener.reset(ending);
  } catch (error) {
    stream.connection.fault(error);
  }
}

/** Our side gives a stream up: RST_STREAM, unless nobody knows of it or it has ended on both sides. */
export function reset(stream: StreamState, code: number): void {
  if (stream.closed) return;
  const isOver = stream.localEnded && stream.remoteEnded;
  if (stream.id !== 0 && !isOver) writeReset(stream.connection.output, stream.id, code);
  remove(stream, !isOver);
}

/** A header list larger than the peer takes is not sent: it might close the connection for it. The stream ends alone. */
export function withhold(stream: StreamState): void {
  writeReset(stream.connection.output, stream.id, errorCodes.internal);
  abandon(stream, { code: errorCodes.internal, reason: excessOf(stream.connection), unsent: false });
}

/** As grpc-go words it. */
export function excessOf({ isServer, peerMaxHeaderListBytes }: Connection): string {
  const peer = isServer ? "client" : "server";
  return `header list size to send violates the maximum size (${peerMaxHeaderListBytes} bytes) set by ${peer}`;
}

/** The peer's mistake on a stream, open or not. */
export function streamError(connection: Connection, id: number, code: number, reason: string): void {
  spend(connection.budget, costs.mistake);
  const stream = connection.streams.get(id);
  writeReset(connection.output, id, code);
  if (stream === undefined) remember(connection, id, true);
  else abandon(stream, { code, reason, unsent: false });
}

export function goAway(connection: Connection, lastStream: number, code: number, reason: string): void {
  connection.goAwayLast = lastStream;
  writeGoAway(connection.output, lastStream, code, reason);
}

/** No new streams; closes after the last. A server lets in what was on its way when the peer heard of it. */
export function drain(connection: Connection): void {
  if (connection.draining || connection.closed) return;
  connection.draining = true;
  connection.drainedAt = connection.now();
  if (connection.isServer) {
    goAway(connection, maxStreamId, errorCodes.noError, "drain");
    writePing(connection.output, drainMark);
    return;
  }
  const ending: Ending = { code: errorCodes.noError, reason: "the connection drains", unsent: true };
  for (const stream of [...connection.waiting]) abandon(stream, ending);
  goAway(connection, 0, errorCodes.noError, "");
  if (connection.streams.size === 0) finishSoon(connection);
}

/** The peer has heard of the drain, or has had time to. */
export function refuseNew(connection: Connection): void {
  if (!connection.isServer || !connection.draining || connection.goAwayLast !== maxStreamId) return;
  goAway(connection, connection.lastPeerStream, errorCodes.noError, "drain");
  if (connection.streams.size === 0) finishSoon(connection);
}

/** Not now: the frame that ended the last stream may not be written yet. Asked again after each write. */
export function finishSoon(connection: Connection): void {
  queueMicrotask(() => {
    if (connection.closed || connection.streams.size > 0) return;
    if (connection.isServer && connection.goAwayLast === maxStreamId) return;
    flush(connection.output);
    if (connection.closed || unsentBytes(connection.output) > 0) return;
    dispose(connection, { code: errorCodes.noError, reason: "drained", unsent: true });
    connection.socket.end();
  });
}

/** Tells the peer why, and closes once the socket has taken it. */
export function fail(connection: Connection, code: number, reason: string): void {
  if (connection.closed) return;
  goAway(connection, connection.lastPeerStream, code, reason);
  flush(connection.output);
  dispose(connection, { code, reason, unsent: false });
  if (unsentBytes(connection.output) === 0) connection.socket.end();
}

/** The same for a peer that does not listen: nothing of it is kept for later. */
export function cut(connection: Connection, code: number, reason: string): void {
  fail(connection, code, reason);
  discard(connection.output);
  connection.socket.terminate();
}

/** Every stream ends; what was framed may still leave. */
export function dispose(connection: Connection, ending: Ending): void {
  if (connection.closed) return;
  connection.closed = true;
  connection.closedAt = connection.now();
  const lost = { ...ending, lost: true };
  for (const stream of [...connection.streams.values()]) abandon(stream, lost);
  for (const stream of [...connection.waiting]) abandon(stream, { ...lost, unsent: true });
  connection.blocked = [];
  leave(connection.memory, connection.account);
  connection.closing.resolve(ending);
}

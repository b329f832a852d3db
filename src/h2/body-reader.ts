/** DATA, read as it comes: a frame need not be whole to be handed over (RFC 9113 §5.2, §6.1, §8.1.1). */
import { abandon, memoryOf, remember, remove, streamError } from "./closing.ts";
import type { Connection, StreamState } from "./connection.ts";
import { ConnectionError } from "./connection-error.ts";
import { costs, earnByUse, spend } from "./flood-budget.ts";
import { flags } from "./frame-code.ts";
import { writeReset, writeWindowUpdate } from "./frame-writer.ts";
import { errorCodes } from "./h2.ts";
import { charge } from "./memory.ts";

/** DATA of less is a crumb. */
const crumbBytes = 4;

/**
 * The head of a frame: windows, and whose it is.
 * @param length of the payload, padding included
 * @param bodyBytes without it
 * @returns undefined: what follows is to be skipped
 */
export function openBody(
  connection: Connection,
  id: number,
  flagBits: number,
  length: number,
  bodyBytes: number,
): StreamState | undefined {
  const ends = (flagBits & flags.endStream) !== 0;
  connection.receiveWindow -= length;
  if (connection.receiveWindow < 0) throw new ConnectionError(errorCodes.flowControl, "connection window");
  connection.uncredited += length;
  if (connection.uncredited >= connection.limits.connectionWindowBytes >> 1) {
    writeWindowUpdate(connection.output, 0, connection.uncredited);
    connection.receiveWindow += connection.uncredited;
    connection.uncredited = 0;
  }
  const stream = connection.streams.get(id);
  if (stream === undefined) {
    lateBody(connection, id);
    return undefined;
  }
  if (stream.remoteEnded) {
    streamError(connection, id, errorCodes.streamClosed, "DATA after the end");
    return undefined;
  }
  if (!stream.headed) {
    streamError(connection, id, errorCodes.protocol, "DATA before a response");
    return undefined;
  }
  stream.receiveWindow -= length;
  if (stream.receiveWindow < 0) {
    streamError(connection, id, errorCodes.flowControl, "stream window");
    return undefined;
  }
  if (bodyBytes < crumbBytes && !ends) spend(connection.budget, costs.crumb);
  if (bodyBytes > 0) earnByUse(connection.budget);
  if (!expect(stream, bodyBytes, ends)) return undefined;
  if (length > bodyBytes) stream.credit(length - bodyBytes);
  return stream;
}

/** For no open stream: to be expected when we have reset it, wrong when the peer has ended it or never opened it. */
function lateBody(connection: Connection, id: number): void {
  if (isIdle(connection, id)) throw new ConnectionError(errorCodes.protocol, "DATA on an idle stream");
  spend(connection.budget, costs.late);
  // a client asked for it and has lost interest; of a server's peers one may go on by mistake
  if (!connection.isServer || memoryOf(connection, id) < 0) return;
  spend(connection.budget, costs.mistake);
  writeReset(connection.output, id, errorCodes.streamClosed);
  remember(connection, id, true);
}

/** Never opened. */
export function isIdle(connection: Connection, id: number): boolean {
  const isOdd = (id & 1) === 1;
  return !isOdd || (connection.isServer ? id > connection.lastPeerStream : id >= connection.nextStream);
}

/** Counts the body against its content-length: false when it is not as long as it says. */
export function expect(stream: StreamState, bytes: number, ends: boolean): boolean {
  if (stream.expectedBytes < 0) return true;
  stream.expectedBytes -= bytes;
  if (stream.expectedBytes === 0 || (stream.expectedBytes > 0 && !ends)) return true;
  streamError(stream.connection, stream.id, errorCodes.protocol, "content-length");
  return false;
}

/** Books what the peer has sent and a stream keeps: it is given back by the listener, or when the stream is gone. */
export function hold(stream: StreamState, bytes: number): void {
  const { memory, account } = stream.connection;
  stream.heldBytes += bytes;
  charge(memory, account, bytes);
}

/** Hands bytes over. They count as held until the listener releases them. */
export function deliver(stream: StreamState, bytes: Buffer, start: number, end: number): void {
  hold(stream, end - start);
  try {
    stream.listener.data(bytes, start, end);
  } catch (error) {
    breakDown(stream, error);
  }
}

/** The peer's side has ended. */
export function endRemote(stream: StreamState): void {
  stream.remoteEnded = true;
  try {
    stream.listener.end();
  } catch (error) {
    breakDown(stream, error);
  }
  if (stream.localEnded) remove(stream, false);
}

/** A listener that throws loses its stream, nobody else's. */
export function breakDown(stream: StreamState, error: unknown): void {
  const { connection, id } = stream;
  connection.fault(error);
  if (stream.closed) return;
  writeReset(connection.output, id, errorCodes.internal);
  abandon(stream, { code: errorCodes.internal, reason: "internal error", unsent: false });
}

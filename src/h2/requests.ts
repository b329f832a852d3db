/** A client's requests: opened within the peer's limit of streams, the others in a queue (RFC 9113 §5.1.1, §5.1.2). */
import { MicrorunError } from "../errors.ts";
import { end, pump } from "./body-writer.ts";
import { abandon, drain, excessOf, withhold } from "./closing.ts";
import type { Connection, StreamState } from "./connection.ts";
import { maxStreamId } from "./frame-code.ts";
import { errorCodes, type Fields, type Stream, type StreamListener } from "./h2.ts";
import { fieldValue } from "./header-rules.ts";
import { writeHeaders } from "./header-writer.ts";
import { createStream } from "./stream.ts";

export function isUsable(connection: Connection): boolean {
  return !connection.closed && !connection.draining && connection.nextStream <= maxStreamId;
}

/** @throws MicrorunError, `unsent` unless the peer takes no such head */
export function request(
  connection: Connection,
  listener: StreamListener,
  shared: Fields,
  own: Fields | undefined,
  ended: boolean,
): Stream {
  if (!isUsable(connection))
    throw new MicrorunError("unavailable", "the connection takes no new requests", { unsent: true });
  const { waiting, limits } = connection;
  const waits = waiting.size > 0 || !hasRoom(connection);
  if (waits && waiting.size >= limits.maxWaiting)
    throw new MicrorunError("resource_exhausted", `the connection is full: ${waiting.size} requests wait`, {
      hint: "make fewer calls at a time, or let the server take more streams",
      unsent: true,
    });
  const stream = createStream(connection, 0, listener);
  stream.isHead = fieldValue(shared, ":method") === "HEAD";
  if (waits) {
    stream.request = { shared, own };
    waiting.add(stream);
  } else if (!open(stream, shared, own, ended)) throw new MicrorunError("internal", excessOf(connection));
  if (ended) end(stream);
  return stream;
}

function hasRoom({ settled, streams, peerMaxStreams }: Connection): boolean {
  return settled && streams.size < peerMaxStreams;
}

/** @returns false for a head larger than the peer takes: nothing was sent */
function open(stream: StreamState, shared: Fields, own: Fields | undefined, ends: boolean): boolean {
  const { connection } = stream;
  stream.id = connection.nextStream;
  connection.nextStream += 2;
  connection.streams.set(stream.id, stream);
  stream.sendWindow = connection.peerInitialWindow;
  stream.localEnded = ends;
  if (!writeHeaders(connection, stream.id, shared, own, ends)) {
    connection.streams.delete(stream.id);
    connection.nextStream = stream.id;
    stream.id = 0;
    return false;
  }
  // the ids are used up: whoever comes next needs a new connection
  if (connection.nextStream > maxStreamId) drain(connection);
  return true;
}

/** Opens those that wait, as far as there is room. */
export function openWaiting(connection: Connection): void {
  const { waiting } = connection;
  let tooLarge: StreamState[] | undefined;
  for (const stream of waiting) {
    if (connection.closed || !hasRoom(connection)) break;
    waiting.delete(stream);
    const { shared, own } = stream.request!;
    stream.request = undefined;
    const ends = stream.endWanted && stream.pendingBytes === 0 && stream.trailers === undefined;
    if (!open(stream, shared, own, ends)) {
      tooLarge ??= [];
      tooLarge.push(stream);
      continue;
    }
    if (!ends) begin(stream);
    stream.wake?.();
    stream.wake = undefined;
  }
  // not before: each that ends asks for those that wait
  for (const stream of tooLarge ?? [])
    abandon(stream, { code: errorCodes.internal, reason: excessOf(connection), unsent: false });
}

/** Sends what was written while it waited. */
function begin(stream: StreamState): void {
  const { trailers } = stream;
  if (stream.pendingBytes > 0) pump(stream);
  else if (trailers === undefined) return;
  else if (writeHeaders(stream.connection, stream.id, trailers.shared, trailers.own, true))
    stream.localEnded = true;
  else withhold(stream);
}

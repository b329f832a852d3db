/** A client's requests: opened within the peer's limit of streams, the others in a queue (RFC 9113 §5.1.1, §5.1.2). */
import { MicrorunError } from "../errors.ts";
import { end, pump } from "./body-writer.ts";
import { drain } from "./closing.ts";
import type { Connection, StreamState } from "./connection.ts";
import { maxStreamId } from "./frame-code.ts";
import type { Fields, Stream, StreamListener } from "./h2.ts";
import { fieldValue } from "./header-rules.ts";
import { writeHeaders } from "./header-writer.ts";
import { createStream } from "./stream.ts";

export function isUsable(connection: Connection): boolean {
  return !connection.closed && !connection.draining && connection.nextStream <= maxStreamId;
}

/** @throws MicrorunError, `unsent` */
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
  } else open(stream, shared, own, ended);
  if (ended) end(stream);
  return stream;
}

function hasRoom({ settled, streams, peerMaxStreams }: Connection): boolean {
  return settled && streams.size < peerMaxStreams;
}

function open(stream: StreamState, shared: Fields, own: Fields | undefined, ends: boolean): void {
  const { connection } = stream;
  stream.id = connection.nextStream;
  connection.nextStream += 2;
  connection.streams.set(stream.id, stream);
  stream.sendWindow = connection.peerInitialWindow;
  stream.localEnded = ends;
  writeHeaders(connection, stream.id, shared, own, ends);
  // the ids are used up: whoever comes next needs a new connection
  if (connection.nextStream > maxStreamId) drain(connection);
}

/** Opens those that wait, as far as there is room. */
export function openWaiting(connection: Connection): void {
  const { waiting } = connection;
  for (const stream of waiting) {
    if (connection.closed || !hasRoom(connection)) return;
    waiting.delete(stream);
    const { shared, own } = stream.request!;
    stream.request = undefined;
    const ends = stream.endWanted && stream.pendingBytes === 0 && stream.trailers === undefined;
    open(stream, shared, own, ends);
    if (!ends) begin(stream);
    stream.wake?.();
    stream.wake = undefined;
  }
}

/** Sends what was written while it waited. */
function begin(stream: StreamState): void {
  const { trailers } = stream;
  if (stream.pendingBytes > 0) pump(stream);
  else if (trailers !== undefined) {
    writeHeaders(stream.connection, stream.id, trailers.shared, trailers.own, true);
    stream.localEnded = true;
  }
}

/** A whole header block, read: a request, a response or trailers (RFC 9113 §5.1, §8.1–§8.3, §8.7). */
import { breakDown, endRemote, expect, hold, isIdle } from "./body-reader.ts";
import { memoryOf, remember, streamError } from "./closing.ts";
import type { Connection, StreamState } from "./connection.ts";
import { ConnectionError } from "./connection-error.ts";
import { costs, earnByUse, spend } from "./flood-budget.ts";
import { writeReset } from "./frame-writer.ts";
import { errorCodes } from "./h2.ts";
import { fieldValue, type HeadKind, isWellFormed } from "./header-rules.ts";
import type { DecodedBlock } from "./hpack-decoder.ts";
import { isCrowding } from "./memory.ts";
import { createStream } from "./stream.ts";

/** A head of less is not worth counting; one of more is held as long as its stream is open. */
const lightHeadBytes = 4_096;

/** Digits of a content-length, so that it is exact. */
const maxLengthDigits = 15;

/** @param wrong the frame said what makes the stream wrong, whatever the block holds */
export function readBlock(
  connection: Connection,
  id: number,
  ends: boolean,
  block: DecodedBlock,
  wrong: string | undefined,
): void {
  if (block.truncated) spend(connection.budget, costs.mistake);
  const stream = connection.streams.get(id);
  if (stream === undefined) {
    if (connection.isServer) readRequest(connection, id, ends, block, wrong);
    else lateResponse(connection, id);
    return;
  }
  if (stream.remoteEnded) {
    streamError(connection, id, errorCodes.streamClosed, "HEADERS after the end");
    return;
  }
  const why = wrong ?? (stream.headed ? faultOfTrailers(block, ends) : faultOfResponse(block, ends));
  if (why !== undefined) {
    streamError(connection, id, errorCodes.protocol, why);
    return;
  }
  earnByUse(connection.budget);
  if (stream.headed) {
    if (!expect(stream, 0, true)) return;
    try {
      stream.listener.trailers?.(block);
    } catch (error) {
      breakDown(stream, error);
    }
  } else readResponse(stream, block, ends);
  if (ends && !stream.closed) endRemote(stream);
}

function faultOfTrailers(block: DecodedBlock, ends: boolean): string | undefined {
  if (!ends) return "trailers without END_STREAM";
  return isSound(block, "trailers") ? undefined : "malformed trailers";
}

function faultOfResponse(block: DecodedBlock, ends: boolean): string | undefined {
  if (!isSound(block, "response")) return "malformed response";
  const status = fieldValue(block.fields, ":status")!;
  if (!/^[1-5]\d\d$/.test(status)) return "malformed status";
  return status.startsWith("1") && ends ? "informational response with END_STREAM" : undefined;
}

/** Blocks that repeat are looked at once. */
function isSound(block: DecodedBlock, kind: HeadKind): boolean {
  if (block.soundAs === kind) return true;
  if (block.malformed || !isWellFormed(block.fields, kind)) return false;
  block.soundAs = kind;
  return true;
}

function readResponse(stream: StreamState, block: DecodedBlock, ends: boolean): void {
  const status = fieldValue(block.fields, ":status")!;
  stream.headed = !status.startsWith("1");
  const hasBody = !stream.isHead && status !== "304" && status !== "204";
  if (stream.headed && hasBody && !takeLength(stream, block, ends)) return;
  try {
    stream.listener.headers?.(block);
  } catch (error) {
    breakDown(stream, error);
  }
}

/** Notes the content-length; false when it is none, or already wrong. */
function takeLength(stream: StreamState, block: DecodedBlock, ends: boolean): boolean {
  const length = fieldValue(block.fields, "content-length");
  if (length === undefined) return true;
  if (length.length <= maxLengthDigits && /^\d+$/.test(length)) {
    stream.expectedBytes = Number(length);
    return expect(stream, 0, ends);
  }
  streamError(stream.connection, stream.id, errorCodes.protocol, "content-length");
  return false;
}

/** Of a stream that is gone: a client that reset it has lost interest. */
function lateResponse(connection: Connection, id: number): void {
  if (isIdle(connection, id)) throw new ConnectionError(errorCodes.protocol, "HEADERS on an idle stream");
  spend(connection.budget, costs.late);
}

function readRequest(
  connection: Connection,
  id: number,
  ends: boolean,
  block: DecodedBlock,
  wrong: string | undefined,
): void {
  if ((id & 1) === 0) throw new ConnectionError(errorCodes.protocol, "a client's stream has an odd id");
  if (id <= connection.lastPeerStream) {
    const known = memoryOf(connection, id);
    if (known === 0) throw new ConnectionError(errorCodes.protocol, "stream ids must grow");
    if (known > 0) throw new ConnectionError(errorCodes.streamClosed, "HEADERS on a closed stream");
    spend(connection.budget, costs.late);
    return;
  }
  // beyond what our GOAWAY lets in: the client knows that it was not looked at
  if (id > connection.goAwayLast) return;
  connection.lastPeerStream = id;
  if (wrong !== undefined || !(block.truncated || isSound(block, "request"))) {
    streamError(connection, id, errorCodes.protocol, wrong ?? "malformed request");
    return;
  }
  if (isFull(connection)) {
    spend(connection.budget, costs.reset);
    writeReset(connection.output, id, errorCodes.refusedStream);
    remember(connection, id, true);
    return;
  }
  connection.taken += 1;
  const stream = createStream(connection, id);
  stream.headed = true;
  connection.streams.set(id, stream);
  if (block.bytes > lightHeadBytes) hold(stream, Math.min(block.bytes, connection.limits.maxHeaderListBytes));
  if (!takeLength(stream, block, ends)) return;
  earnByUse(connection.budget);
  try {
    stream.listener = connection.accept!(stream, block, ends);
  } catch (error) {
    breakDown(stream, error);
  }
  if (ends && !stream.closed) endRemote(stream);
}

function isFull({ streams, limits, queuedBytes, memory, account }: Connection): boolean {
  return (
    streams.size >= limits.maxStreams || queuedBytes > limits.maxQueuedBytes || isCrowding(memory, account)
  );
}

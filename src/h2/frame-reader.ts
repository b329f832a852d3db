/** Bytes of a connection to frames, however they are cut (RFC 9113 §3.4, §4, §6). */
import { deliver, endRemote, openBody } from "./body-reader.ts";
import type { Connection, StreamState } from "./connection.ts";
import { ConnectionError } from "./connection-error.ts";
import { readGoAway, readPing, readPriority, readReset, readWindowUpdate } from "./control-reader.ts";
import { costs, spend } from "./flood-budget.ts";
import { flags, frameTypes, headBytes, maxFrameBytes, maxStreamId, preface } from "./frame-code.ts";
import { errorCodes } from "./h2.ts";
import { headerFrames } from "./header-frames.ts";
import { charge, isFilling } from "./memory.ts";
import { readSettings } from "./settings.ts";

export interface FrameReader {
  /** Something is left for the next turn: `read()` goes on with it. */
  readonly isLeft: boolean;
  /** @throws ConnectionError for what costs the peer the connection */
  read(bytes?: Buffer): void;
}

/** Requests taken in a turn: before the next, it is known what the replies to these have left waiting. */
const maxTaken = 64;
/** The same while a good part of the memory is in use. */
const maxTakenInNeed = 8;

const nothing = Buffer.alloc(0);

export function frameReader(connection: Connection): FrameReader {
  let prefaceLeft = connection.isServer ? preface.length : 0;
  /** The beginning of a frame whose rest has not come. */
  let rest: Buffer | undefined;
  let isLeft = false;
  const headers = headerFrames(connection);
  /** The DATA frame that is being handed over. */
  let bodyStream: StreamState | undefined;
  let bodyLeft = 0;
  let paddingLeft = 0;
  let bodyEnds = false;

  const keepRest = (bytes: Buffer | undefined): void => {
    charge(connection.memory, connection.account, (bytes?.length ?? 0) - (rest?.length ?? 0));
    rest = bytes;
  };

  const readPreface = (bytes: Buffer): number => {
    const begun = preface.length - prefaceLeft;
    const length = Math.min(prefaceLeft, bytes.length);
    if (preface.compare(bytes, 0, length, begun, begun + length) !== 0)
      throw new ConnectionError(errorCodes.protocol, "no HTTP/2 preface");
    prefaceLeft -= length;
    return length;
  };

  /** Returns where the body begins. */
  const readBodyHead = (
    bytes: Buffer,
    start: number,
    length: number,
    flagBits: number,
    id: number,
  ): number => {
    const isPadded = (flagBits & flags.padded) !== 0;
    if (isPadded && length === 0) throw new ConnectionError(errorCodes.frameSize, "padding");
    paddingLeft = isPadded ? bytes[start]! : 0;
    bodyLeft = length - paddingLeft - (isPadded ? 1 : 0);
    if (bodyLeft < 0) throw new ConnectionError(errorCodes.protocol, "padding");
    bodyEnds = (flagBits & flags.endStream) !== 0;
    bodyStream = openBody(connection, id, flagBits, length, bodyLeft);
    if (bodyLeft === 0 && bodyEnds && bodyStream !== undefined) endRemote(bodyStream);
    return start + (isPadded ? 1 : 0);
  };

  const readBody = (bytes: Buffer, start: number): number => {
    const end = Math.min(bytes.length, start + bodyLeft);
    if (end > start) {
      bodyLeft -= end - start;
      const stream = bodyStream;
      if (stream !== undefined && !stream.closed) {
        deliver(stream, bytes, start, end);
        if (bodyLeft === 0 && bodyEnds && !stream.closed) endRemote(stream);
      }
    }
    const padding = Math.min(paddingLeft, bytes.length - end);
    paddingLeft -= padding;
    return end + padding;
  };

  const readFrame = (
    bytes: Buffer,
    start: number,
    length: number,
    type: number,
    flagBits: number,
    id: number,
  ) => {
    switch (type) {
      case frameTypes.headers:
        return headers.begin(bytes, start, length, flagBits, id);
      case frameTypes.continuation:
        return headers.goOn(bytes, start, length, flagBits);
      case frameTypes.priority:
        return readPriority(connection, bytes, start, length, id);
      case frameTypes.resetStream:
        return readReset(connection, bytes, start, length, id);
      case frameTypes.settings:
        return readSettings(connection, bytes, start, length, flagBits);
      case frameTypes.ping:
        return readPing(connection, bytes, start, length, flagBits);
      case frameTypes.goAway:
        return readGoAway(connection, bytes, start, length);
      case frameTypes.windowUpdate:
        return readWindowUpdate(connection, bytes, start, length, id);
      case frameTypes.pushPromise:
        throw new ConnectionError(errorCodes.protocol, "PUSH_PROMISE");
      default:
        spend(connection.budget, costs.unknown);
    }
  };

  /** What is wrong before a frame's payload has come. */
  const checkHead = (length: number, type: number, id: number): void => {
    if (length > maxFrameBytes) throw new ConnectionError(errorCodes.frameSize, "frame too large");
    if (type === frameTypes.continuation ? id !== headers.open : headers.open !== 0)
      throw new ConnectionError(errorCodes.protocol, "CONTINUATION out of turn");
    if (!connection.settled && type !== frameTypes.settings)
      throw new ConnectionError(errorCodes.protocol, "SETTINGS must come first");
    if (id === 0 ? ofStreams.has(type) : ofConnection.has(type))
      throw new ConnectionError(
        errorCodes.protocol,
        id === 0 ? "stream 0" : "stream of a connection's frame",
      );
  };

  return {
    get isLeft() {
      return isLeft;
    },
    read(chunk = nothing) {
      const bytes = rest === undefined ? chunk : chunk === nothing ? rest : Buffer.concat([rest, chunk]);
      if (isLeft && chunk !== nothing) return keepRest(bytes);
      connection.taken = 0;
      const maxNow = isFilling(connection.memory) ? maxTakenInNeed : maxTaken;
      let at = prefaceLeft > 0 ? readPreface(bytes) : 0;
      while (at < bytes.length && !connection.closed && connection.taken < maxNow) {
        if (bodyLeft + paddingLeft > 0) {
          at = readBody(bytes, at);
          continue;
        }
        if (bytes.length - at < headBytes) break;
        const length = bytes.readUIntBE(at, 3);
        const type = bytes[at + 3]!;
        const flagBits = bytes[at + 4]!;
        const id = bytes.readUInt32BE(at + 5) & maxStreamId;
        checkHead(length, type, id);
        const start = at + headBytes;
        if (type === frameTypes.data) {
          // the padding's length stands before the body
          if ((flagBits & flags.padded) !== 0 && length > 0 && start === bytes.length) break;
          at = readBodyHead(bytes, start, length, flagBits, id);
        } else {
          if (bytes.length - start < length) break;
          readFrame(bytes, start, length, type, flagBits, id);
          at = start + length;
        }
      }
      const isOver = connection.closed || at === bytes.length;
      isLeft = !isOver && connection.taken >= maxNow;
      if (!isOver) keepRest(isLeft ? bytes.subarray(at) : Buffer.from(bytes.subarray(at)));
      else if (rest !== undefined) keepRest(undefined);
    },
  };
}

/** Frames that belong to a stream, and those that belong to none. */
const ofStreams: ReadonlySet<number> = new Set([
  frameTypes.data,
  frameTypes.headers,
  frameTypes.priority,
  frameTypes.resetStream,
  frameTypes.continuation,
]);
const ofConnection: ReadonlySet<number> = new Set([frameTypes.settings, frameTypes.ping, frameTypes.goAway]);

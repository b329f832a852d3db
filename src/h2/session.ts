/** A connection put together, of either role: what its socket tells goes in here, what its user asks goes out. */
import { highWaterBytes, pumpBlocked } from "./body-writer.ts";
import type { BufferPool } from "./buffer-pool.ts";
import { cut, dispose, drain, fail, finishSoon, recentStreams } from "./closing.ts";
import type { Connection } from "./connection.ts";
import { ConnectionError } from "./connection-error.ts";
import { createFloodBudget } from "./flood-budget.ts";
import { initialWindow, maxStreamId, preface } from "./frame-code.ts";
import { frameReader } from "./frame-reader.ts";
import { writeRaw } from "./frame-writer.ts";
import {
  type Accept,
  type ByteSocket,
  type ClientSession,
  type Ending,
  errorCodes,
  type Session,
} from "./h2.ts";
import { hpackDecoder } from "./hpack-decoder.ts";
import { hpackEncoder } from "./hpack-encoder.ts";
import type { Limits } from "./limits.ts";
import { type Account, charge, type Memory } from "./memory.ts";
import { createOutput, discard, flush, unsentBytes } from "./output.ts";
import { isUsable, openWaiting, request } from "./requests.ts";
import { sendSettings } from "./settings.ts";

/** What the connections of a process share. */
export interface Household {
  readonly pool: BufferPool;
  readonly memory: Memory;
  readonly now: () => number;
  readonly random: () => number;
  readonly fault: (error: unknown) => void;
}

/** Ages differ by a tenth each way, so that connections made at once do not end at once. */
const ageSpread = 0.2;

/** @param accept absent: a client's connection */
export function createConnection(
  { pool, memory, now, random, fault }: Household,
  socket: ByteSocket,
  limits: Limits,
  accept: Accept | undefined,
  onSettled: () => void = () => {},
): Connection {
  const bornAt = now();
  const age = limits.maxAgeMs * (1 + (random() - 0.5) * ageSpread);
  const account: Account = {
    heldBytes: 0,
    open: true,
    shed: () => cut(connection, errorCodes.enhanceYourCalm, "the process holds too much for its peers"),
  };
  const connection: Connection = {
    isServer: accept !== undefined,
    limits,
    socket,
    output: createOutput(socket, pool, now, () => written(connection)),
    encoder: hpackEncoder(limits.huffman),
    decoder: hpackDecoder(limits.maxHeaderListBytes),
    encodedBlocks: new Map(),
    budget: createFloodBudget(now),
    memory,
    account,
    now,
    accept,
    fault,
    closing: Promise.withResolvers<Ending>(),
    streams: new Map(),
    waiting: new Set(),
    blocked: [],
    recent: new Int32Array(recentStreams),
    lastPeerStream: 0,
    taken: 0,
    nextStream: 1,
    settled: false,
    settingsAcked: false,
    peerMaxStreams: Number.POSITIVE_INFINITY,
    peerMaxHeaderListBytes: Number.POSITIVE_INFINITY,
    peerInitialWindow: initialWindow,
    sendWindow: initialWindow,
    receiveWindow: Math.max(limits.connectionWindowBytes, initialWindow),
    uncredited: 0,
    queuedBytes: 0,
    chargedOutput: 0,
    closed: false,
    draining: false,
    goAwayLast: maxStreamId,
    bornAt,
    agesAt: limits.maxAgeMs > 0 ? bornAt + age : Number.POSITIVE_INFINITY,
    lastReadAt: bornAt,
    idleAt: bornAt,
    drainedAt: 0,
    closedAt: 0,
    pingedAt: 0,
    headersAt: 0,
    onSettings() {
      onSettled();
      openWaiting(connection);
    },
    onRoom: () => openWaiting(connection),
  };
  memory.accounts.add(account);
  if (accept === undefined) writeRaw(connection.output, preface);
  sendSettings(connection);
  flush(connection.output);
  return connection;
}

/** After each write: room for more, or the end that waited for it. */
function written(connection: Connection): void {
  const { output, memory, account, socket } = connection;
  const unsent = unsentBytes(output);
  if (unsent !== connection.chargedOutput) {
    charge(memory, account, unsent - connection.chargedOutput);
    connection.chargedOutput = unsent;
  }
  if (connection.closed) {
    if (unsent === 0) socket.end();
    return;
  }
  if (unsent < highWaterBytes) pumpBlocked(connection);
  if (connection.draining && connection.streams.size === 0 && unsent === 0) finishSoon(connection);
}

/** @param onGone the socket has closed */
export function createSession(connection: Connection, onGone: () => void): Session {
  const reader = frameReader(connection);

  /** What this turn has left is read in the next; should more come before, no further. */
  let due = false;
  let paused = false;

  const goOn = (): void => {
    due = false;
    if (!connection.closed) read();
    if (!paused || due) return;
    paused = false;
    connection.socket.resume();
  };

  const read = (bytes?: Buffer): void => {
    try {
      reader.read(bytes);
      if (!reader.isLeft || due) return;
      due = true;
      setImmediate(goOn);
    } catch (error) {
      const isTheirs = error instanceof ConnectionError;
      if (!isTheirs) connection.fault(error);
      fail(
        connection,
        isTheirs ? error.code : errorCodes.internal,
        isTheirs ? error.message : "internal error",
      );
    }
  };

  return {
    receive(bytes) {
      if (connection.closed) return;
      connection.lastReadAt = connection.now();
      connection.pingedAt = 0;
      if (due && !paused) {
        paused = true;
        connection.socket.pause();
      }
      read(bytes);
      if (unsentBytes(connection.output) > connection.limits.maxUnsentBytes)
        cut(connection, errorCodes.enhanceYourCalm, "the peer does not read");
    },
    writable: () => flush(connection.output),
    gone(why) {
      const reason = why === undefined ? "the connection was lost" : `the connection was lost: ${why}`;
      dispose(connection, { code: errorCodes.internal, reason, unsent: false });
      discard(connection.output);
      onGone();
    },
    get open() {
      return connection.streams.size;
    },
    drain: () => drain(connection),
    close: (code = errorCodes.noError, reason = "") => fail(connection, code, reason),
    closed: connection.closing.promise,
    async [Symbol.asyncDispose]() {
      cut(connection, errorCodes.noError, "");
      await connection.closing.promise;
    },
  };
}

/** The calls that only a client has, with those of every session. */
export function createClientSession(
  connection: Connection,
  settled: Promise<void>,
  onGone: () => void,
): ClientSession {
  return {
    ...createSession(connection, onGone),
    settled,
    get open() {
      return connection.streams.size;
    },
    get waiting() {
      return connection.waiting.size;
    },
    get usable() {
      return isUsable(connection);
    },
    request: (listener, shared, own, ended = false) => request(connection, listener, shared, own, ended),
  };
}

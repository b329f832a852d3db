/** A connection that speaks HTTP/1.1: requests in, one after the other, each answered before the next is read. */
import { MicrorunError } from "../errors.ts";
import type { OpenSocket, SocketUser } from "../h2/h2.ts";
import type { IncomingBody } from "../lazy-request.ts";
import type { UpgradeOptions } from "../web-socket.ts";
import { type Exchange, type Exchanging, startExchange } from "./exchange.ts";
import { type Head, limits, type WebOptions } from "./h1.ts";
import { readHead } from "./head-reader.ts";
import { createOutput } from "./output.ts";
import { type RequestBody, requestBody, wholeBody } from "./request-body.ts";
import { refusal } from "./response-head.ts";
import type { Topics } from "./topics.ts";
import type { WebSocketUser } from "./web-socket-connection.ts";
import { webSocketUpgrade } from "./web-socket-upgrade.ts";

/** What the connections of a server share. */
export interface Household extends Pick<WebOptions, "fetch" | "websocket" | "log"> {
  readonly stop: AbortSignal;
  readonly headTimeoutMs: number;
  /** Of its WebSockets. */
  readonly topics: Topics;
  /** To put what is sent together in. */
  readonly scratch: Buffer;
  readonly date: () => string;
  /** Each answer is the last of its connection. */
  readonly leaving: () => boolean;
  /** The connection's socket has closed. */
  readonly gone: (connection: Connection) => void;
}

export interface Connection extends SocketUser {
  /** A request is being answered, or a WebSocket open. */
  readonly busy: boolean;
  /** Ends it unless it is busy; what has been written still leaves. */
  end(): void;
  /** No more requests; a WebSocket is told to go. */
  drain(): void;
  cut(): void;
  /** Does what time demands. */
  sweep(now: number): void;
}

/** Between requests some old clients send an empty line more than they should. */
const maxBlankBytes = 4;
const cr = 0x0d;
const lf = 0x0a;

export function serveConnection(socket: OpenSocket, secure: boolean, household: Household): Connection {
  const { fetch, log, stop, date, leaving, headTimeoutMs, websocket, topics } = household;
  const output = createOutput(socket, household.scratch);
  const peer = socket.peer === "" ? undefined : socket.peer;
  const scheme = secure ? "https" : "http";
  let pending: Buffer | undefined;
  let body: RequestBody | undefined;
  let exchange: Exchange | undefined;
  let upgraded: WebSocketUser | undefined;
  /** Nothing is read any more. */
  let endedAt = 0;
  /** When something came since. */
  let ignoredAt = 0;
  let gone = false;
  let paused = false;
  /** When it was opened, or answered last. */
  let idleAt = Date.now();
  /** When the head of the next request began; of the first, with the connection. */
  let headAt = idleAt;
  /** The client waits to be told to send its body. */
  let waitsForWord = false;
  /** What follows on the connection cannot be told from a body. */
  let malformed = false;
  /** A client says the same again and again. */
  let lastText = "";
  let lastHead: Head | undefined;

  const end = (): void => {
    if (endedAt > 0) return;
    endedAt = Date.now();
    pending = undefined;
    output.end();
    // not cut at once, nor stopped: a reset could overtake the last answer
    if (!gone) socket.resume();
  };
  const refuse = (status: number): void => {
    output.write(refusal(status, date()));
    end();
  };

  /** Where the head ends; undefined: it is not there yet, or has been refused. */
  const headEnd = (bytes: Buffer): number | undefined => {
    const end = bytes.indexOf("\r\n\r\n", 0, "latin1");
    const firstLine = bytes.indexOf(lf);
    const line = firstLine < 0 ? bytes.length : firstLine;
    if (line > limits.lineBytes) refuse(414);
    else if (firstLine >= 0 && bytes[firstLine - 1] !== cr) refuse(400);
    else if ((end < 0 ? bytes.length : end) > limits.headBytes) refuse(431);
    else if (end >= 0) return end;
    return undefined;
  };

  const begin = (bytes: Buffer, head: Head, at: number): void => {
    const { length } = head;
    let incoming: IncomingBody | undefined;
    let rest = at;
    if (length > 0 && bytes.length - at >= length) {
      rest = at + length;
      incoming = wholeBody(new Uint8Array(bytes.buffer, bytes.byteOffset + at, length));
    } else if (length !== 0) incoming = body = requestBody(length, socketOf(head));
    pending = rest === bytes.length ? undefined : bytes.subarray(rest);
    headAt = 0;
    exchange = startExchange(head, incoming, exchanging);
  };

  const socketOf = ({ expects }: Head) => {
    waitsForWord = expects;
    return {
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      wanted() {
        if (waitsForWord) output.write("HTTP/1.1 100 Continue\r\n\r\n");
        waitsForWord = false;
      },
    };
  };

  const upgrade = (head: Head, options: UpgradeOptions = {}): boolean => {
    if (websocket === undefined || body !== undefined) return false;
    upgraded = webSocketUpgrade(head, options, { socket, output, handler: websocket, topics, log, date });
    if (upgraded === undefined) return false;
    upgraded.open();
    if (leaving()) upgraded.drain();
    const early = pending;
    pending = undefined;
    if (early !== undefined) upgraded.receive(early);
    return true;
  };

  const answered = (): void => {
    const isLast = exchange?.last ?? true;
    exchange = undefined;
    idleAt = Date.now();
    // a body that nobody wanted is let pass for a while: what answers early should not look like a broken connection
    if (isLast || malformed || (body !== undefined && !body.ignore())) {
      end();
      return;
    }
    if (pending !== undefined) headAt = idleAt;
    if (paused) socket.resume();
    paused = false;
    advance();
  };

  const readNext = (bytes: Buffer): boolean => {
    let start = 0;
    while (start < maxBlankBytes && (bytes[start] === cr || bytes[start] === lf)) start++;
    if (start > 0) {
      pending = bytes.length === start ? undefined : bytes.subarray(start);
      return pending !== undefined;
    }
    const end = headEnd(bytes);
    if (end === undefined) return false;
    const text = bytes.toString("latin1", 0, end);
    let head = text === lastText ? lastHead : undefined;
    if (head === undefined) {
      const read = readHead(text, scheme);
      if ("refused" in read) {
        refuse(read.refused);
        return false;
      }
      head = lastHead = read;
      lastText = text;
    }
    begin(bytes, head, end + 4);
    return true;
  };

  /** @returns false when the body needs more, or is none */
  const readBody = (bytes: Buffer, reading: RequestBody): boolean => {
    const at = reading.receive(bytes);
    if (at < 0) {
      reading.fail(new MicrorunError("invalid_argument", "request body: its chunks are malformed"));
      malformed = true;
      pending = body = undefined;
      if (exchange === undefined) end();
      else if (!exchange.started) {
        // whoever reads it would answer that something went wrong here
        exchange.leave();
        exchange = undefined;
        refuse(400);
      }
      return false;
    }
    pending = at === bytes.length ? undefined : bytes.subarray(at);
    if (reading.done) body = undefined;
    else if (exchange === undefined && !reading.ignore()) end();
    return pending !== undefined;
  };

  const advance = (): void => {
    while (endedAt === 0 && pending !== undefined && upgraded === undefined) {
      if (body !== undefined) {
        if (!readBody(pending, body)) return;
      } else if (exchange !== undefined) {
        paused = pending.length > limits.aheadBytes;
        if (paused) socket.pause();
        return;
      } else if (!readNext(pending)) return;
    }
  };

  /** What is waited for, between two requests: a head, what is left of a body, or that a head begins. */
  const isReading = (): boolean => headAt > 0 || body !== undefined;
  const since = (): number => headAt || idleAt;
  const patienceMs = (): number => (isReading() ? headTimeoutMs : limits.idleMs);

  const cut = (): void => {
    output.discard();
    socket.terminate();
  };

  const exchanging: Exchanging = {
    fetch,
    log,
    stop,
    date,
    peer,
    output,
    upgrade,
    leaving: () => leaving() || malformed || (body !== undefined && (waitsForWord || body.endless)),
    ended: answered,
    broken: cut,
  };

  const connection: Connection = {
    get busy() {
      return exchange !== undefined || upgraded !== undefined;
    },
    receive(bytes) {
      if (upgraded !== undefined) return upgraded.receive(bytes);
      if (endedAt > 0) {
        ignoredAt = Date.now();
        return;
      }
      if (headAt === 0 && exchange === undefined && body === undefined) headAt = Date.now();
      pending = pending === undefined ? bytes : Buffer.concat([pending, bytes]);
      advance();
    },
    writable() {
      output.writable();
      upgraded?.writable();
    },
    gone() {
      gone = true;
      endedAt ||= Date.now();
      pending = undefined;
      output.discard();
      body?.fail(new MicrorunError("cancelled", "request body: cut off"));
      exchange?.leave();
      upgraded?.gone();
      household.gone(connection);
    },
    end() {
      if (!connection.busy) end();
    },
    drain: () => upgraded?.drain(),
    cut,
    sweep(now) {
      if (endedAt > 0) {
        const left = output.waitingBytes > 0 ? limits.stallMs : limits.lingerMs;
        if (now - Math.max(endedAt, output.movedAt, ignoredAt) > left) cut();
        // the answer has left long ago
        else if (output.waitingBytes === 0 && now - endedAt > headTimeoutMs) cut();
      } else if (output.waitingBytes > 0) {
        if (output.movedAt > 0 && now - output.movedAt > limits.stallMs) cut();
      } else if (upgraded !== undefined) upgraded.sweep(now);
      else if (exchange === undefined && now - since() > patienceMs()) cut();
    },
  };
  return connection;
}

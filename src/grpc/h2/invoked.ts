/** One call on the client's side of our own engine: an invocation joined to a stream, as soon as there is one. */
import type { Deadlines, Expiring } from "../../deadlines.ts";
import { codes, MicrorunError } from "../../errors.ts";
import {
  type ClientSession,
  type Ending,
  errorCodes,
  type HeaderBlock,
  type Stream,
  type StreamListener,
} from "../../h2/h2.ts";
import { maxTimerMs } from "../../wait.ts";
import { decodeText, recordOf } from "../header-record.ts";
import type { CallListener, CallStart, CallWire } from "../invocation.ts";
import type { Fields } from "../metadata.ts";
import type { Told } from "../no-connection.ts";
import { detailsField, type Status } from "../status.ts";
import type { Channel, Waiter } from "./channel.ts";
import type { ClientHeads } from "./client-heads.ts";
import {
  breakOff,
  closeInbox,
  createInbox,
  endInbox,
  type Inbox,
  type InboxListener,
  prefixBytes,
  readInbox,
  receive,
} from "./inbox.ts";
import { deflate, minGzipBytes } from "./inflate.ts";
import { framePrefix } from "./served.ts";

/** How long a call waits for a connection: an address that nobody answers at leaves time for another one. */
const connectTimeoutMs = 2000;

export interface InvokedOptions {
  readonly channel: Channel;
  readonly heads: ClientHeads;
  readonly maxMessageBytes: number;
  readonly deadlines: Deadlines;
  /** The heads say so. */
  readonly gzip: boolean;
}

/** Filled anew for each message: a stream copies it at once. */
const prefix = new Uint8Array(prefixBytes);

/** @throws MicrorunError for metadata that cannot be sent */
export function openStream(start: CallStart, listener: CallListener, options: InvokedOptions): CallWire {
  const call = new StreamCall(start, listener, options);
  call.open();
  return call;
}

/** A class, as every call makes one. */
class StreamCall implements CallWire, StreamListener, InboxListener, Waiter, Expiring {
  private readonly start: CallStart;
  private readonly listener: CallListener;
  private readonly options: InvokedOptions;
  private readonly inbox: Inbox;
  private stream: Stream | undefined = undefined;
  /** What was to be sent before there was a stream. */
  private unsent: { readonly bytes: Uint8Array; readonly flushed: () => void } | undefined = undefined;
  private halfClosed = false;
  /** How the stream ended before the server said so. */
  private lost: Ending | undefined = undefined;
  private head: Received | undefined = undefined;
  private last: Received | undefined = undefined;
  private over = false;
  private opening = true;
  private connectTimer: ReturnType<typeof setTimeout> | undefined = undefined;

  constructor(start: CallStart, listener: CallListener, options: InvokedOptions) {
    this.start = start;
    this.listener = listener;
    this.options = options;
    this.inbox = createInbox(undefined, options.maxMessageBytes, undefined, this);
  }

  open(): void {
    const { channel, heads, deadlines } = this.options;
    const { deadline = Number.POSITIVE_INFINITY } = this.start.call;
    const leftMs = deadline - Date.now();
    if (leftMs <= 0) this.expire();
    else {
      channel.ask(this);
      if (this.stream === undefined) {
        // what cannot be sent is said at once
        heads.of(this.start);
        this.connectTimer = setTimeout(() => this.fail(noAnswer, false, true), connectTimeoutMs);
      }
      if (leftMs <= maxTimerMs) deadlines.add(deadline, this);
    }
    this.opening = false;
  }

  read(): void {
    readInbox(this.inbox);
  }

  send(bytes: Uint8Array, flushed: () => void): void {
    if (this.stream === undefined) this.unsent = { bytes, flushed };
    else this.write(bytes, flushed, this.stream);
  }

  halfClose(): void {
    this.halfClosed = true;
    this.stream?.end();
  }

  cancel(): void {
    this.over = true;
    const { channel, deadlines } = this.options;
    const { deadline } = this.start.call;
    if (deadline !== undefined) deadlines.remove(deadline, this);
    if (this.connectTimer !== undefined) clearTimeout(this.connectTimer);
    if (this.stream === undefined) channel.leave(this);
    closeInbox(this.inbox);
    this.stream?.reset(errorCodes.cancel);
  }

  /** Of the channel. */
  ready(session: ClientSession): void {
    if (this.connectTimer !== undefined) clearTimeout(this.connectTimer);
    const { shared, own } = this.options.heads.of(this.start);
    try {
      this.stream = session.request(this, shared, own);
    } catch (error) {
      const { code, message } = MicrorunError.from(error);
      this.fail({ code: codes[code], message }, false, true);
      return;
    }
    this.inbox.stream = this.stream;
    if (this.unsent !== undefined) this.write(this.unsent.bytes, this.unsent.flushed, this.stream);
    if (this.halfClosed) this.stream.end();
  }

  failed(why: Told): void {
    this.fail({ code: codes.unavailable, ...why }, false, true);
  }

  headers(block: HeaderBlock): void {
    if (block.fields[1]?.startsWith("1")) return;
    if (block.truncated) {
      this.fail(tooLarge, true);
      return;
    }
    const head = receivedOf(block);
    this.head = this.last = head;
    this.inbox.encoding = text(head.fields["grpc-encoding"]);
    // an answer of trailers alone is no header
    if (head.status === undefined) this.listener.header(head.fields);
  }

  data(bytes: Buffer, start: number, end: number): void {
    receive(this.inbox, bytes, start, end);
  }

  trailers(block: HeaderBlock): void {
    if (block.truncated) this.fail(tooLarge, true);
    else this.last = receivedOf(block);
  }

  end(): void {
    if (!this.over) endInbox(this.inbox);
  }

  reset(ending: Ending): void {
    // the status has come, and waits until the messages before it have been read
    if (this.inbox.ended) return;
    this.lost = ending;
    breakOff(this.inbox);
  }

  message(bytes: Uint8Array, start: number, end: number): void {
    this.listener.message(bytes, start, end);
  }

  finished(): void {
    if (this.lost !== undefined) {
      this.fail(statusOfEnding(this.lost), false, this.lost.unsent);
      return;
    }
    const status = this.last?.status ?? statusOfHttp(text(this.head?.fields[":status"]));
    this.conclude(status, this.last?.fields ?? {}, true, false);
  }

  broken({ code, message }: MicrorunError): void {
    this.fail({ code: codes[code], message }, true);
  }

  expire(): void {
    this.fail(deadlinePassed, false, (this.stream?.id ?? 0) === 0);
  }

  private fail(status: Status, heard: boolean, unsent = false): void {
    // never before whoever opens the call has it
    if (this.opening) queueMicrotask(() => this.conclude(status, {}, heard, unsent));
    else this.conclude(status, {}, heard, unsent);
  }

  private conclude(status: Status, trailer: Fields, heard: boolean, unsent: boolean): void {
    if (this.over) return;
    this.cancel();
    this.listener.end(status, trailer, heard, unsent);
  }

  private write(bytes: Uint8Array, flushed: () => void, to: Stream): void {
    const packed = this.options.gzip && bytes.length >= minGzipBytes;
    const sent = packed ? deflate(bytes) : bytes;
    framePrefix(prefix, packed, sent.length);
    const room = to.write(sent, prefix) ? undefined : to.ready();
    // who sends to a call that is over would never come to hear of it
    const done = (): void => {
      if (!this.over && !to.closed) flushed();
    };
    if (room !== undefined) void room.then(done);
    else if (!this.over && !to.closed) flushed();
  }
}

/** What a header block says. Made once for blocks that repeat. */
interface Received {
  readonly fields: Fields;
  /** Undefined: it says none. */
  readonly status: Status | undefined;
}

function receivedOf(block: HeaderBlock): Received {
  if (block.note === undefined) {
    const fields = recordOf(block.fields);
    const received: Received = { fields, status: statusOf(fields) };
    block.note = received;
  }
  return block.note as Received;
}

function statusOf(fields: Fields): Status | undefined {
  const status = text(fields["grpc-status"]);
  if (status === undefined) return undefined;
  const code = /^\d{1,3}$/.test(status) ? Number(status) : codes.unknown;
  const message = decodeText(text(fields["grpc-message"]) ?? "");
  const details = text(fields[detailsField]);
  return details === undefined
    ? { code, message }
    : { code, message, details: Buffer.from(details, "base64") };
}

const deadlinePassed: Status = { code: codes.deadline_exceeded, message: "deadline exceeded" };
const noAnswer: Status = { code: codes.unavailable, message: "cannot connect: no answer" };
const tooLarge: Status = {
  code: codes.resource_exhausted,
  message: "the reply's header fields are too large",
};

/** What a proxy's answer means (doc/http-grpc-status-mapping.md of gRPC). */
const httpCodes: Readonly<Record<string, number>> = {
  400: codes.internal,
  401: codes.unauthenticated,
  403: codes.permission_denied,
  404: codes.unimplemented,
  429: codes.unavailable,
  502: codes.unavailable,
  503: codes.unavailable,
  504: codes.unavailable,
};

function statusOfHttp(status = ""): Status {
  if (status === "200")
    return { code: codes.internal, message: "the server ended the call without a status" };
  return {
    code: httpCodes[status] ?? codes.unknown,
    message: `the server answers with HTTP status ${status}`,
  };
}

/** What a reset means (doc/PROTOCOL-HTTP2.md of gRPC); a lost connection says nothing about the call. */
const resetCodes: Readonly<Record<number, number>> = {
  [errorCodes.refusedStream]: codes.unavailable,
  [errorCodes.cancel]: codes.cancelled,
  [errorCodes.enhanceYourCalm]: codes.resource_exhausted,
};

function statusOfEnding({ code, reason, unsent, lost }: Ending): Status {
  if (lost || unsent) return { code: codes.unavailable, message: reason };
  return { code: resetCodes[code] ?? codes.internal, message: `${reason}, code ${code}` };
}

function text(value: Fields[string]): string | undefined {
  return typeof value === "string" ? value : undefined;
}

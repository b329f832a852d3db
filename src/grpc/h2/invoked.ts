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
import type { CallListener, CallStart, CallWire } from "../invocation.ts";
import type { Fields } from "../metadata.ts";
import type { Told } from "../no-connection.ts";
import type { Status } from "../status.ts";
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
import {
  type ForeignAnswer,
  foreignStatus,
  maxTextBytes,
  noStatus,
  type Received,
  receivedOf,
  statusOfEnding,
  text,
  tooLarge,
} from "./received.ts";
import { framePrefix } from "./served.ts";

/** How long a call waits for a connection: an address that nobody answers at leaves time for another one. */
const connectTimeoutMs = 2000;

/** How long the text of an answer that is none of gRPC's is waited for: its status alone says enough. */
const textTimeoutMs = 500;

export interface InvokedOptions {
  readonly channel: Channel;
  readonly heads: ClientHeads;
  readonly maxMessageBytes: number;
  readonly deadlines: Deadlines;
  /** The heads say so. */
  readonly gzip: boolean;
}

const nothing = Buffer.alloc(0);

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
  private last: Received | undefined = undefined;
  private over = false;
  private opening = true;
  /** The answer is none of gRPC's: the status that it comes to, and how its text begins. */
  private foreign: ForeignAnswer | undefined = undefined;
  private beginning: Buffer = nothing;
  /** For a connection, then for that text. */
  private timer: ReturnType<typeof setTimeout> | undefined = undefined;

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
        this.timer = setTimeout(() => this.fail(noAnswer, false, true), connectTimeoutMs);
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
    if (this.timer !== undefined) clearTimeout(this.timer);
    if (this.stream === undefined) channel.leave(this);
    closeInbox(this.inbox);
    this.stream?.reset(errorCodes.cancel);
  }

  /** Of the channel. */
  ready(session: ClientSession): void {
    if (this.timer !== undefined) clearTimeout(this.timer);
    const { shared, own } = this.options.heads.of(this.start);
    try {
      this.stream = session.request(this, shared, own);
    } catch (error) {
      const { code, message, unsent } = MicrorunError.from(error);
      this.fail({ code: codes[code], message }, false, unsent);
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
    this.last = head;
    if (head.foreign !== undefined) {
      this.foreign = head.foreign;
      if (!head.foreign.isText) this.concludeForeign(head.foreign);
      else this.timer = setTimeout(() => this.expire(), textTimeoutMs);
      return;
    }
    this.inbox.encoding = text(head.fields["grpc-encoding"]);
    // an answer of trailers alone is no header
    if (head.status === undefined) this.listener.header(head.fields);
  }

  data(bytes: Buffer, start: number, end: number): void {
    if (this.foreign === undefined) receive(this.inbox, bytes, start, end);
    else this.look(this.foreign, bytes, start, end);
  }

  trailers(block: HeaderBlock): void {
    if (this.foreign !== undefined) return;
    if (block.truncated) this.fail(tooLarge, true);
    else this.last = receivedOf(block);
  }

  end(): void {
    if (this.foreign !== undefined) this.concludeForeign(this.foreign);
    else if (!this.over) endInbox(this.inbox);
  }

  reset(ending: Ending): void {
    // the status has come, and waits until the messages before it have been read
    if (this.inbox.ended) return;
    this.lost = ending;
    if (this.foreign !== undefined) this.concludeForeign(this.foreign);
    else breakOff(this.inbox);
  }

  message(bytes: Uint8Array, start: number, end: number): void {
    this.listener.message(bytes, start, end);
  }

  finished(): void {
    if (this.lost !== undefined) {
      this.fail(statusOfEnding(this.lost), false, this.lost.unsent);
      return;
    }
    this.conclude(this.last?.status ?? noStatus, this.last?.fields ?? {}, true, false);
  }

  broken({ code, message }: MicrorunError): void {
    this.fail({ code: codes[code], message }, true);
  }

  expire(): void {
    if (this.foreign !== undefined) this.concludeForeign(this.foreign);
    else this.fail(deadlinePassed, false, (this.stream?.id ?? 0) === 0);
  }

  /** Messages it has none. */
  private look(foreign: ForeignAnswer, bytes: Buffer, start: number, end: number): void {
    this.stream?.credit(end - start);
    this.stream?.release(end - start);
    this.beginning = Buffer.concat([this.beginning, bytes.subarray(start, end)]);
    if (this.beginning.length >= maxTextBytes) this.concludeForeign(foreign);
  }

  private concludeForeign(foreign: ForeignAnswer): void {
    const beginning = this.beginning.subarray(0, maxTextBytes);
    this.conclude(foreignStatus(foreign, beginning), this.last?.fields ?? {}, true, false);
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

const deadlinePassed: Status = { code: codes.deadline_exceeded, message: "deadline exceeded" };
const noAnswer: Status = { code: codes.unavailable, message: "cannot connect: no answer" };

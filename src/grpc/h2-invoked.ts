/** One call on the client's side of our own engine: an invocation joined to a stream, as soon as there is one. */
import { codes, MicrorunError } from "../errors.ts";
import {
  type ClientSession,
  type Ending,
  errorCodes,
  type HeaderBlock,
  type Stream,
  type StreamListener,
} from "../h2/h2.ts";
import { maxTimerMs } from "../wait.ts";
import type { Channel, Waiter } from "./h2-channel.ts";
import type { ClientHeads } from "./h2-client-heads.ts";
import { framePrefix } from "./h2-served.ts";
import { decodeText, recordOf } from "./header-record.ts";
import { closeInbox, createInbox, endInbox, prefixBytes, readInbox, receive } from "./inbox.ts";
import type { CallListener, CallStart, CallWire } from "./invocation.ts";
import type { Fields } from "./metadata.ts";
import type { Status } from "./status.ts";

/** How long a call waits for a connection: an address that nobody answers at leaves time for another one. */
const connectTimeoutMs = 2000;

export interface InvokedOptions {
  readonly channel: Channel;
  readonly heads: ClientHeads;
  readonly maxMessageBytes: number;
}

export function openStream(
  start: CallStart,
  listener: CallListener,
  { channel, heads, maxMessageBytes }: InvokedOptions,
): CallWire {
  const prefix = new Uint8Array(prefixBytes);
  let stream: Stream | undefined;
  /** What was to be sent before there was a stream. */
  let unsent: { readonly bytes: Uint8Array; readonly flushed: () => void } | undefined;
  let halfClosed = false;
  let head: Fields | undefined;
  let trailers: Fields | undefined;
  let over = false;
  let opening = true;
  let connectTimer: ReturnType<typeof setTimeout> | undefined;
  let deadlineTimer: ReturnType<typeof setTimeout> | undefined;

  const close = (): void => {
    over = true;
    clearTimeout(connectTimer);
    clearTimeout(deadlineTimer);
    channel.leave(waiter);
    closeInbox(inbox);
    stream?.reset(errorCodes.cancel);
  };
  const end: CallListener["end"] = (...how) => {
    if (over) return;
    close();
    listener.end(...how);
  };
  const fail = (status: Status, heard: boolean, isUnsent = false): void => {
    // never before whoever opens the call has it
    if (opening) queueMicrotask(() => end(status, {}, heard, isUnsent));
    else end(status, {}, heard, isUnsent);
  };

  const inbox = createInbox(undefined, maxMessageBytes, undefined, {
    message: (bytes) => listener.message(bytes),
    ended: () => conclude(),
    broken: ({ code, message }) => fail({ code: codes[code], message }, true),
  });

  const conclude = (): void => {
    const last = trailers ?? head ?? {};
    end(statusOf(last, head), last, true, false);
  };

  const heard: StreamListener = {
    headers(block) {
      if (block.fields[1]?.startsWith("1")) return;
      if (block.truncated) return fail(tooLarge, true);
      head = fieldsOf(block);
      inbox.encoding = text(head["grpc-encoding"]);
      // an answer of trailers alone is no header
      if (head["grpc-status"] === undefined) listener.header(head);
    },
    data: (bytes, from, to) => receive(inbox, bytes, from, to),
    trailers(block) {
      if (block.truncated) return fail(tooLarge, true);
      trailers = fieldsOf(block);
    },
    end() {
      if (!over) endInbox(inbox);
    },
    reset: (ending) => fail(statusOfEnding(ending), false, ending.unsent),
  };

  const write = (bytes: Uint8Array, flushed: () => void, to: Stream): void => {
    framePrefix(prefix, false, bytes.length);
    const taken = to.write(bytes, prefix);
    // who sends to a call that is over would never come to hear of it
    const done = (): void => {
      if (!over && !to.closed) flushed();
    };
    const room = taken ? undefined : to.ready();
    if (room === undefined) done();
    else void room.then(done);
  };

  const waiter: Waiter = {
    ready(session: ClientSession) {
      clearTimeout(connectTimer);
      const { shared, own } = heads.of(start);
      try {
        stream = session.request(heard, shared, own);
      } catch (error) {
        const { code, message } = MicrorunError.from(error);
        return fail({ code: codes[code], message }, false, true);
      }
      inbox.stream = stream;
      if (unsent !== undefined) write(unsent.bytes, unsent.flushed, stream);
      if (halfClosed) stream.end();
    },
    failed: (why) => fail({ code: codes.unavailable, ...why }, false, true),
  };

  const leftMs = (start.deadline ?? Number.POSITIVE_INFINITY) - Date.now();
  const late = (): void => fail(deadlinePassed, false, (stream?.id ?? 0) === 0);
  if (leftMs <= 0) late();
  else {
    if (leftMs <= maxTimerMs) deadlineTimer = setTimeout(late, leftMs);
    channel.ask(waiter);
    if (stream === undefined) connectTimer = setTimeout(() => fail(noAnswer, false, true), connectTimeoutMs);
  }
  opening = false;

  return {
    read: () => readInbox(inbox),
    send(bytes, flushed) {
      if (stream === undefined) unsent = { bytes, flushed };
      else write(bytes, flushed, stream);
    },
    halfClose() {
      halfClosed = true;
      stream?.end();
    },
    cancel: close,
  };
}

const deadlinePassed: Status = { code: codes.deadline_exceeded, message: "deadline exceeded" };
const noAnswer: Status = { code: codes.unavailable, message: "cannot connect: no answer" };
const tooLarge: Status = {
  code: codes.resource_exhausted,
  message: "the reply's header fields are too large",
};

/** Made once for blocks that repeat. */
function fieldsOf(block: HeaderBlock): Fields {
  block.note ??= recordOf(block.fields);
  return block.note as Fields;
}

function statusOf(last: Fields, head: Fields | undefined): Status {
  const status = text(last["grpc-status"]);
  if (status === undefined) return statusOfHttp(text(head?.[":status"]));
  const code = /^\d{1,3}$/.test(status) ? Number(status) : codes.unknown;
  const message = decodeText(text(last["grpc-message"]) ?? "");
  const details = text(last["grpc-status-details-bin"]);
  return details === undefined
    ? { code, message }
    : { code, message, details: Buffer.from(details, "base64") };
}

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

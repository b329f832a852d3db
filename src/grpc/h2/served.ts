/** One call on the server's side of our own engine: an exchange joined to a stream. */
import type { MicrorunError } from "../../errors.ts";
import { errorCodes, type Fields as FlatFields, type Stream, type StreamListener } from "../../h2/h2.ts";
import type { CallHead } from "../call-head.ts";
import { jsonContentType, protoContentType } from "../content.ts";
import type { Exchange, Wire } from "../exchange.ts";
import { encodeText } from "../header-record.ts";
import { detailsField, type Status } from "../status.ts";
import {
  closeInbox,
  createInbox,
  endInbox,
  type Inbox,
  type InboxListener,
  prefixBytes,
  readInbox,
  receive,
} from "./inbox.ts";
import { acceptedEncodings, deflate, minGzipBytes } from "./inflate.ts";

export interface Serving {
  readonly maxMessageBytes: number;
  readonly call: (wire: Wire) => Exchange;
}

const anyContentType = "application/grpc";

function fieldsOf(contentType: string): FlatFields {
  return [":status", "200", "content-type", contentType, "grpc-accept-encoding", acceptedEncodings];
}

/** The heads of most replies; each is the same array every time, so that the engine keeps its encoded form. */
const heads = new Map(
  [anyContentType, protoContentType, jsonContentType].map((type) => [type, fieldsOf(type)]),
);

function headOf({ contentType }: CallHead): FlatFields {
  return heads.get(contentType) ?? fieldsOf(contentType);
}

const good: FlatFields = ["grpc-status", "0"];
const nothing: FlatFields = [];

/** Says more than a head that is shared. */
const gzipFields: FlatFields = ["grpc-encoding", "gzip"];

/** Filled anew for each message: a stream copies it at once. */
const prefix = new Uint8Array(prefixBytes);

export function serveStream(
  stream: Stream,
  head: CallHead,
  peer: string | undefined,
  serving: Serving,
): StreamListener {
  const arrivals = new Arrivals(stream, head, serving.maxMessageBytes);
  arrivals.exchange = serving.call(new Replies(stream, head, peer, arrivals));
  arrivals.exchange.start();
  return arrivals;
}

/** What comes on the stream, message by message to the exchange. A class, as every call makes one. */
class Arrivals implements StreamListener, InboxListener {
  readonly inbox: Inbox;
  exchange!: Exchange;
  ended = false;
  private readonly head: CallHead;

  constructor(stream: Stream, head: CallHead, maxMessageBytes: number) {
    const encoding = head.headers["grpc-encoding"];
    this.head = head;
    this.inbox = createInbox(
      stream,
      maxMessageBytes,
      encoding === undefined ? undefined : `${encoding}`,
      this,
    );
  }

  data(bytes: Buffer, start: number, end: number): void {
    receive(this.inbox, bytes, start, end);
  }

  end(): void {
    this.ended = true;
    if (!this.inbox.closed) endInbox(this.inbox);
  }

  reset(): void {
    closeInbox(this.inbox);
    this.exchange.cancelled();
  }

  message(bytes: Uint8Array, start: number, end: number): void {
    this.exchange.message(bytes, start, end);
  }

  finished(): void {
    const { exchange } = this;
    // clients on node:http2 end a stream that they cancel, and reset it right after: it must not pass for complete
    if (this.head.endpoint?.method.requestStream) setImmediate(() => exchange.halfClose());
    else exchange.halfClose();
  }

  broken(error: MicrorunError): void {
    this.exchange.broken(error);
  }
}

/** What the exchange answers, as frames. */
class Replies implements Wire {
  readonly head: CallHead;
  readonly peer: string | undefined;
  private readonly stream: Stream;
  private readonly arrivals: Arrivals;
  /** A caller that packs its messages can unpack ours. */
  private readonly packs: boolean;
  private headerSent = false;

  constructor(stream: Stream, head: CallHead, peer: string | undefined, arrivals: Arrivals) {
    this.head = head;
    this.peer = peer;
    this.stream = stream;
    this.arrivals = arrivals;
    this.packs = head.headers["grpc-encoding"] === "gzip";
  }

  read(): void {
    readInbox(this.arrivals.inbox);
  }

  header(fields: FlatFields | undefined): void {
    this.headerSent = true;
    const shared = headOf(this.head);
    this.stream.send(shared, this.packs ? [...gzipFields, ...(fields ?? nothing)] : fields);
  }

  message(bytes: Uint8Array): void {
    const packed = this.packs && bytes.length >= minGzipBytes;
    const sent = packed ? deflate(bytes) : bytes;
    framePrefix(prefix, packed, sent.length);
    const { exchange } = this.arrivals;
    const room = this.stream.write(sent, prefix) ? undefined : this.stream.ready();
    if (room === undefined) exchange.flushed(bytes.length);
    else void room.then(() => exchange.flushed(bytes.length));
  }

  end({ code, message, details }: Status, trailer: FlatFields = nothing): void {
    const { stream, arrivals } = this;
    closeInbox(arrivals.inbox);
    const own: string[] = [];
    if (code !== 0) {
      own.push("grpc-status", String(code));
      if (message !== "") own.push("grpc-message", encodeText(message));
    }
    if (details !== undefined) own.push(detailsField, Buffer.from(details).toString("base64"));
    own.push(...trailer);
    const shared = code === 0 ? good : nothing;
    if (this.headerSent) stream.endWith(shared, own.length === 0 ? undefined : own);
    else stream.endWith(headOf(this.head), shared.concat(own));
    if (!arrivals.ended) leaveEarly(stream);
  }
}

/** Answered before the caller has said everything: once the answer has left, it need not go on. */
function leaveEarly(stream: Stream): void {
  const leave = (): void => stream.reset(errorCodes.noError);
  const sent = stream.ready();
  // not now: what has come may hold its end
  if (sent === undefined) queueMicrotask(leave);
  else void sent.then(leave);
}

export function framePrefix(prefix: Uint8Array, packed: boolean, length: number): void {
  prefix[0] = packed ? 1 : 0;
  prefix[1] = length >>> 24;
  prefix[2] = length >>> 16;
  prefix[3] = length >>> 8;
  prefix[4] = length;
}

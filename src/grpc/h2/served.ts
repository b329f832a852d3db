/** One call on the server's side of our own engine: an exchange joined to a stream. */
import type { MicrorunError } from "../../errors.ts";
import {
  errorCodes,
  type Fields as FlatFields,
  listBytes,
  type Stream,
  type StreamListener,
} from "../../h2/h2.ts";
import type { Log } from "../../log.ts";
import type { CallHead } from "../call-head.ts";
import { jsonContentType, protoContentType } from "../content.ts";
import type { Exchange, Wire } from "../exchange.ts";
import { okStatus, type Status } from "../status.ts";
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
import { statusFields } from "./status-fields.ts";

export interface Serving {
  readonly maxMessageBytes: number;
  readonly log: Log;
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
  arrivals.exchange = serving.call(new Replies(stream, head, peer, arrivals, serving.log));
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
  private readonly log: Log;
  /** A caller that packs its messages can unpack ours. */
  private readonly packs: boolean;
  private headerSent = false;

  constructor(stream: Stream, head: CallHead, peer: string | undefined, arrivals: Arrivals, log: Log) {
    this.head = head;
    this.peer = peer;
    this.stream = stream;
    this.arrivals = arrivals;
    this.log = log;
    this.packs = head.headers["grpc-encoding"] === "gzip";
  }

  get maxFieldBytes(): number {
    return this.stream.maxHeaderListBytes;
  }

  read(): void {
    readInbox(this.arrivals.inbox);
  }

  header(fields: FlatFields | undefined): void {
    const shared = headOf(this.head);
    const own = this.packs ? [...gzipFields, ...(fields ?? nothing)] : fields;
    if (own !== undefined) {
      const bytes = listBytes(shared) + listBytes(own);
      const most = this.maxFieldBytes;
      // for the log
      if (bytes > most)
        throw new RangeError(`the reply's header has ${bytes} bytes, the caller takes ${most}`);
    }
    this.headerSent = true;
    this.stream.send(shared, own);
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

  end(status: Status, trailer: FlatFields = nothing): void {
    const { stream, arrivals } = this;
    closeInbox(arrivals.inbox);
    const shared = status.code === 0 ? good : nothing;
    if (this.headerSent) stream.endWith(shared, this.lastFields(status, trailer, shared));
    else {
      const head = headOf(this.head);
      const own = this.lastFields(status, trailer, head.concat(shared));
      stream.endWith(head, own === undefined ? shared : shared.concat(own));
    }
    if (!arrivals.ended) leaveEarly(stream);
  }

  /** Those beside `shared`, as many as the caller takes; undefined: there are none. */
  private lastFields(status: Status, trailer: FlatFields, shared: FlatFields): FlatFields | undefined {
    if (status === okStatus && trailer.length === 0) return undefined;
    const room = this.maxFieldBytes - listBytes(shared);
    const fields = statusFields(status, trailer, room);
    if (fields !== undefined) return fields.length === 0 ? undefined : fields;
    const bytes = listBytes(trailer);
    const why = `they have ${bytes} bytes, the caller takes ${this.maxFieldBytes}`;
    this.log.warn(`${this.head.path}: the handler's trailers are not sent: ${why}`);
    return statusFields(status, nothing, room);
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

/** One call on the server's side, from its bytes on the wire to `dispatch` and back, whatever engine speaks HTTP/2. */
import type { Dispatch, Method } from "../call.ts";
import type { Deadlines, Expiring } from "../deadlines.ts";
import { MicrorunError } from "../errors.ts";
import { type AnyIterator, discard, iteratorOf } from "../iteration.ts";
import type { Log } from "../log.ts";
import { maxTimerMs } from "../wait.ts";
import type { CallHead } from "./call-head.ts";
import { writeFields } from "./metadata.ts";
import { createPullStream, type PullStream } from "./pull-stream.ts";
import { createServedCall, type ServedCall } from "./served-call.ts";
import { okStatus, receivedStatus, type Status, speaksMicro, toStatus } from "./status.ts";

/** A call as the engine has it: bytes, header fields (names and values in turn), the end. Nothing is written after `end`, or once the exchange is cancelled. */
export interface Wire {
  readonly head: CallHead;
  readonly peer: string | undefined;
  /** What the caller takes of header fields; absent: it is not known. */
  readonly maxFieldBytes?: number;
  /** Asks for the next message; `message`, `halfClose`, `broken` or `cancelled` answers. */
  read(): void;
  /** To go before the first message; undefined: nothing but what gRPC needs. */
  header(fields: readonly string[] | undefined): void;
  /** `flushed` answers once the bytes are no longer buffered here. */
  message(bytes: Uint8Array): void;
  end(status: Status, trailer?: readonly string[]): void;
}

/** What the engine tells a call, and what the server may ask of it. */
export interface Exchange {
  /** Streams of the runtime's own, Health/Watch and the like, never end by themselves. */
  readonly isWatch: boolean;
  start(): void;
  /** One message: `bytes[start, end)`. */
  message(bytes: Uint8Array, start: number, end: number): void;
  flushed(bytes: number): void;
  halfClose(): void;
  /** The request cannot be read any further: framing, compression, size. */
  broken(error: MicrorunError): void;
  /** The caller is gone: nobody to answer. */
  cancelled(): void;
  /** Answers at once, whether the handler settles or not. */
  abort(reason: MicrorunError): void;
}

/** What all calls of a server share. */
export interface Answering {
  readonly name: string;
  readonly dispatch: Dispatch;
  readonly maxMessageBytes: number;
  readonly deadlines: Deadlines;
  readonly log: Log;
  /** What handlers are at work on, calls whose callers have left too. */
  handlers: number;
  /** The call is over. */
  readonly ended: (exchange: Exchange) => void;
}

/** How many bytes of a streamed reply may wait to be written before the handler waits for the caller. */
const maxUnflushedBytes = 65_536;

export function openExchange(wire: Wire, answering: Answering): Exchange {
  return new ServedExchange(wire, answering);
}

/** A class, as every call makes one. */
class ServedExchange implements Exchange, Expiring {
  private readonly wire: Wire;
  private readonly answering: Answering;
  private over = false;
  private deadline: number | undefined = undefined;
  /** The message of a call that has one, as it came: read once nothing can follow. */
  private only: Uint8Array | undefined = undefined;
  private onlyStart = 0;
  private onlyEnd = 0;
  private requests: PullStream | undefined = undefined;
  private served: ServedCall | undefined = undefined;
  private replies: AnyIterator | undefined = undefined;
  private headerSent = false;
  private unflushedBytes = 0;
  private room: (() => void) | undefined = undefined;

  constructor(wire: Wire, answering: Answering) {
    this.wire = wire;
    this.answering = answering;
  }

  get isWatch(): boolean {
    const { endpoint } = this.wire.head;
    return endpoint?.internal === true && endpoint.method.responseStream;
  }

  start(): void {
    const { endpoint, fault, timeoutMs } = this.wire.head;
    if (fault !== undefined || endpoint === undefined) {
      this.finish(fault);
      return;
    }
    if (timeoutMs !== undefined) {
      this.deadline = Date.now() + timeoutMs;
      if (timeoutMs <= maxTimerMs) this.answering.deadlines.add(this.deadline, this);
    }
    if (endpoint.method.requestStream) {
      this.requests = createPullStream(() => this.wire.read());
      void this.run(endpoint.method, this.requests);
    } else this.wire.read();
  }

  message(bytes: Uint8Array, start: number, end: number): void {
    const { endpoint } = this.wire.head;
    if (this.over || endpoint === undefined) return;
    const { method } = endpoint;
    if (this.requests !== undefined) {
      const request = this.decode(method, bytes, start, end);
      if (!this.over) this.requests.push(request);
    } else if (this.only !== undefined) this.finish(secondMessage(method));
    else {
      this.only = bytes;
      this.onlyStart = start;
      this.onlyEnd = end;
      // go-micro's clients never half-close a call whose reply streams: one message is all they have to say
      if (method.responseStream) this.begin(method);
      this.wire.read();
    }
  }

  flushed(bytes: number): void {
    this.unflushedBytes -= bytes;
    if (this.unflushedBytes < maxUnflushedBytes) this.room?.();
  }

  halfClose(): void {
    const { endpoint } = this.wire.head;
    if (this.over || endpoint === undefined) return;
    const { method } = endpoint;
    if (this.requests !== undefined) this.requests.end();
    else if (this.only === undefined)
      this.finish(new MicrorunError("unimplemented", "no message where the method takes one"));
    else if (!method.responseStream) this.begin(method);
  }

  broken(error: MicrorunError): void {
    this.finish(error);
  }

  cancelled(): void {
    this.finish(new MicrorunError("cancelled", "the caller cancelled the call"), true);
  }

  abort(reason: MicrorunError): void {
    this.finish(reason);
  }

  expire(): void {
    this.finish(new MicrorunError("deadline_exceeded", "deadline exceeded"));
  }

  private begin(method: Method): void {
    const request = this.decode(method, this.only!, this.onlyStart, this.onlyEnd);
    if (!this.over) void this.run(method, request);
  }

  /** A message that makes no sense ends the call. */
  private decode(method: Method, bytes: Uint8Array, start: number, end: number): unknown {
    try {
      return this.wire.head.codec.decode(method.request, bytes, start, end);
    } catch (error) {
      this.finish(this.readable(method, error));
      return undefined;
    }
  }

  private async run(method: Method, request: unknown): Promise<void> {
    const { wire, answering } = this;
    this.served = createServedCall(method, request, wire.head.headers, wire.peer, this.deadline);
    try {
      answering.handlers++;
      let reply: unknown;
      try {
        reply = await answering.dispatch(this.served.call);
      } finally {
        answering.handlers--;
      }
      if (this.over) {
        if (method.responseStream) discard(iteratorOf(reply));
        return;
      }
      if (method.responseStream) await this.sendAll(method, reply);
      else this.send(method, reply);
      this.finish(undefined);
    } catch (thrown) {
      if (!this.over) this.finish(this.readable(method, thrown));
    }
  }

  /** What no caller may read is for the log. */
  private readable({ service, name }: Method, thrown: unknown): MicrorunError {
    if (!(thrown instanceof MicrorunError))
      this.answering.log.error(`${service}.${name} failed`, { error: thrown });
    return MicrorunError.from(thrown);
  }

  private async sendAll(method: Method, reply: unknown): Promise<void> {
    const replies = iteratorOf(reply);
    if (replies === undefined) throw new TypeError(`${method.service}.${method.name} returned no iterable`);
    this.replies = replies;
    while (!this.over) {
      const next = await replies.next();
      if (this.over) return;
      if (next.done) {
        this.replies = undefined;
        return;
      }
      this.send(method, next.value);
      if (this.unflushedBytes < maxUnflushedBytes) continue;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.room = resolve;
      await promise;
    }
  }

  private send(method: Method, reply: unknown): void {
    const { maxMessageBytes } = this.answering;
    const bytes = this.encode(method, reply);
    const { length } = bytes;
    if (length > maxMessageBytes)
      throw new MicrorunError(
        "resource_exhausted",
        `reply of ${length} bytes: the limit is ${maxMessageBytes}`,
      );
    this.sendHeader();
    this.unflushedBytes += length;
    this.wire.message(bytes);
  }

  private encode({ service, name, response }: Method, reply: unknown): Uint8Array {
    try {
      return this.wire.head.codec.encode(response, reply);
    } catch (error) {
      this.answering.log.error(`${service}.${name}: the reply does not fit its type`, { error });
      throw new MicrorunError("internal", "internal error", { cause: error });
    }
  }

  private sendHeader(): void {
    if (this.headerSent) return;
    this.headerSent = true;
    const header = this.served?.header;
    this.wire.header(header === undefined ? undefined : writeFields(header));
  }

  /** The one place where a call ends. */
  private finish(error: MicrorunError | undefined, silent = false): void {
    if (this.over) return;
    this.over = true;
    if (this.deadline !== undefined) this.answering.deadlines.remove(this.deadline, this);
    if (error !== undefined) {
      this.requests?.fail(error);
      this.served?.abort(error);
    }
    if (this.replies !== undefined) discard(this.replies);
    this.room?.();
    if (!silent) this.respond(error);
    this.answering.ended(this);
  }

  private respond(error: MicrorunError | undefined): void {
    const { wire, served } = this;
    try {
      const trailer = served?.trailer === undefined ? undefined : writeFields(served.trailer);
      // a failed call without header of its own is answered by trailers alone
      if (error === undefined || served?.header !== undefined) this.sendHeader();
      wire.end(error === undefined ? okStatus : this.statusOf(error), trailer);
    } catch (thrown) {
      this.answering.log.error(`${wire.head.path}: the reply's metadata cannot be sent`, { error: thrown });
      wire.end(this.statusOf(error ?? new MicrorunError("internal", "internal error")));
    }
  }

  private statusOf(error: MicrorunError): Status {
    const { endpoint, headers } = this.wire.head;
    const passed = endpoint?.method.passing === undefined ? undefined : receivedStatus(error);
    return passed ?? toStatus(error, speaksMicro(headers), this.answering.name, this.wire.maxFieldBytes);
  }
}

/** Without a schema nothing says that requests stream. */
function secondMessage({ service, name, request }: Method): MicrorunError {
  const why =
    request.decode === undefined
      ? `${service}.${name}: it takes one request, a stream of them needs a .proto`
      : "a second message where the method takes one";
  return new MicrorunError("unimplemented", why);
}

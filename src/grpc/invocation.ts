/** One call on the client's side, from `dispatch` to bytes on the wire and back, whatever engine speaks HTTP/2. */
import { type Call, jsonMethod, type Method, severalReplies } from "../call.ts";
import { abortReason, codes, errorText, MicrorunError } from "../errors.ts";
import { type AnyIterator, discard, iteratorOf } from "../iteration.ts";
import type { Abortable, AbortWatch } from "./abort-watch.ts";
import { type Codec, codecFor, contentTypeFor } from "./content.ts";
import { addVisible, type Fields } from "./metadata.ts";
import { createPullStream, type PullStream } from "./pull-stream.ts";
import { fromStatus, type Status } from "./status.ts";

export interface CallStart {
  /** At its deadline the engine ends it with `deadline_exceeded`; it tells the server of it. */
  readonly call: Call;
  readonly method: Method;
  readonly contentType: string;
}

/** What the engine tells a call. After `end` nothing more. */
export interface CallListener {
  header(fields: Fields): void;
  /** `bytes[start, end)` */
  message(bytes: Uint8Array, start: number, end: number): void;
  /**
   * @param heard the peer said so itself: it is no trouble of the connection
   * @param unsent the peer never had the call, or says that it did nothing about it
   */
  end(status: Status, trailer: Fields, heard: boolean, unsent: boolean): void;
}

/** A call as the engine has it. */
export interface CallWire {
  /** Asks for the next message; `message` or `end` answers. */
  read(): void;
  /** One at a time: the next one after `flushed`. */
  send(bytes: Uint8Array, flushed: () => void): void;
  halfClose(): void;
  cancel(): void;
}

export interface Invoking {
  readonly open: (start: CallStart, listener: CallListener) => CallWire;
  /** Said where the peer cannot be reached. */
  readonly address: string;
  readonly maxMessageBytes: number;
  readonly aborts: AbortWatch;
  /** Called once when a call is over. */
  readonly ended: (invocation: Invocation) => void;
}

export interface Invocation {
  readonly reply: Promise<unknown>;
  start(): void;
  cancel(reason: MicrorunError): void;
}

/** A server whose clock runs faster by so much, in ms, may reset a call for its deadline before we end it ourselves. */
const resetLeadMs = 10;

export function invoke(call: Call, invoking: Invoking): Invocation {
  return new OneInvocation(call, invoking);
}

export function pathOf({ service, method }: Call): string {
  return `/${service}/${method}`;
}

/** Of a call of one message: nobody waits for it to have left. */
const unheard = (): void => {};

/** A class, as every call makes one. */
class OneInvocation implements Invocation, CallStart, CallListener, Abortable {
  readonly call: Call;
  readonly method: Method;
  readonly contentType: string;
  readonly reply: Promise<unknown>;
  private readonly invoking: Invoking;
  private readonly codec: Codec;
  private readonly answer: PromiseWithResolvers<unknown> | undefined = undefined;
  private readonly replies: PullStream | undefined = undefined;
  private wire: CallWire | undefined = undefined;
  private over = false;
  private heardOne = false;
  private only: unknown = undefined;
  private requests: AnyIterator | undefined = undefined;
  private sent: (() => void) | undefined = undefined;

  constructor(call: Call, invoking: Invoking) {
    this.call = call;
    this.invoking = invoking;
    this.method = call.type ?? jsonMethod(call.service, call.method);
    this.contentType = this.method.passing?.contentType ?? contentTypeFor(this.method.request);
    this.codec = codecFor(this.method, this.contentType);
    if (this.method.responseStream) {
      this.replies = createPullStream(
        () => this.wire?.read(),
        () => this.cancel(new MicrorunError("cancelled", "the caller stopped reading")),
      );
      this.reply = Promise.resolve(this.replies);
    } else {
      this.answer = Promise.withResolvers();
      this.reply = this.answer.promise;
    }
  }

  start(): void {
    const { call, method } = this;
    try {
      if (call.signal.aborted) throw abortReason(call.signal);
      const request = method.requestStream ? undefined : this.encode(call.request);
      this.invoking.aborts.add(call.signal, this);
      const wire = this.invoking.open(this, this);
      this.wire = wire;
      if (this.replies === undefined) wire.read();
      if (request !== undefined) {
        wire.send(request, unheard);
        wire.halfClose();
      } else void this.sendAll(wire).catch((error: unknown) => this.break(error));
    } catch (error) {
      this.break(error);
    }
  }

  header(fields: Fields): void {
    if (this.call.reply !== undefined) addVisible(fields, this.call.reply.header);
  }

  message(bytes: Uint8Array, start: number, end: number): void {
    if (this.over) return;
    try {
      const value = this.codec.decode(this.method.response, bytes, start, end);
      if (this.replies !== undefined) {
        this.replies.push(value);
        return;
      }
      if (this.heardOne)
        throw new MicrorunError("internal", "more than one message", { reason: severalReplies });
      this.heardOne = true;
      this.only = value;
      this.wire?.read();
    } catch (error) {
      const text = `${this.name}: cannot read the reply: ${errorText(error)}`;
      const { reason } = MicrorunError.from(error);
      this.cancel(
        new MicrorunError("internal", text, { cause: error, ...(reason === undefined ? {} : { reason }) }),
      );
    }
  }

  end(status: Status, trailer: Fields, heard: boolean, unsent: boolean): void {
    if (this.over) return;
    if (this.call.reply !== undefined) addVisible(trailer, this.call.reply.trailer);
    if (status.code !== 0)
      this.finish(
        errorOf(this.isLate(status, heard) ? lateStatus : status, this.invoking.address, heard, unsent),
      );
    else if (this.replies === undefined && !this.heardOne)
      this.finish(new MicrorunError("internal", `${this.name}: the server answered without a message`));
    else this.finish();
  }

  cancel(reason: MicrorunError): void {
    if (this.over) return;
    this.finish(reason);
    this.wire?.cancel();
  }

  aborted(): void {
    this.cancel(abortReason(this.call.signal));
  }

  private get name(): string {
    return `${this.call.service}.${this.call.method}`;
  }

  private break(error: unknown): void {
    this.cancel(MicrorunError.from(error));
  }

  private finish(error?: MicrorunError): void {
    this.over = true;
    this.invoking.aborts.remove(this.call.signal, this);
    discard(this.requests);
    this.sent?.();
    if (this.answer !== undefined) {
      if (error === undefined) this.answer.resolve(this.only);
      else this.answer.reject(error);
    } else if (error === undefined) this.replies?.end();
    else this.replies?.fail(error);
    this.invoking.ended(this);
  }

  /** That a call was reset does not say why: at its deadline that is why. */
  private isLate({ code }: Status, heard: boolean): boolean {
    const { signal, deadline = Number.POSITIVE_INFINITY } = this.call;
    return code === codes.cancelled && !heard && !signal.aborted && Date.now() >= deadline - resetLeadMs;
  }

  private encode(message: unknown): Uint8Array {
    const bytes = this.written(message);
    if (bytes.length <= this.invoking.maxMessageBytes) return bytes;
    const text = `request of ${bytes.length} bytes: the limit is ${this.invoking.maxMessageBytes}`;
    throw new MicrorunError("resource_exhausted", text);
  }

  private written(message: unknown): Uint8Array {
    try {
      return this.codec.encode(this.method.request, message);
    } catch (error) {
      if (error instanceof MicrorunError) throw error;
      const text = `${this.name}: cannot write the request: ${errorText(error)}`;
      throw new MicrorunError("invalid_argument", text, { cause: error });
    }
  }

  private async sendAll(wire: CallWire): Promise<void> {
    this.requests = iteratorOf(this.call.request);
    if (this.requests === undefined)
      throw new MicrorunError("invalid_argument", `${this.name}: the request is no stream`);
    for (;;) {
      const next = await this.requests.next();
      if (this.over) return;
      if (next.done) break;
      const bytes = this.encode(next.value);
      await new Promise<void>((resolve) => {
        this.sent = resolve;
        wire.send(bytes, resolve);
      });
      if (this.over) return;
    }
    this.requests = undefined;
    wire.halfClose();
  }
}

const lateStatus: Status = { code: codes.deadline_exceeded, message: "" };

function errorOf(status: Status, address: string, heard: boolean, unsent: boolean): MicrorunError {
  const error = fromStatus(status);
  if (heard) return error;
  const text = error.code === "deadline_exceeded" ? "deadline exceeded" : error.message;
  const hint = status.hint === undefined ? {} : { hint: status.hint };
  return new MicrorunError(error.code, `${address}: ${text}`, { unsent, ...hint });
}

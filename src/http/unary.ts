/** One call with one reply, whichever form of HTTP it came in: time, metadata, messages. */
import type { Call, Dispatch, Method } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { eachHeader, type FieldSource, lazyHeaders, ownHeaders } from "../lazy-headers.ts";
import type { Log } from "../log.ts";
import type { Endpoint, Service } from "../service/service.ts";
import type { Upgrade } from "../web-socket.ts";
import { type Codec, encodeReply } from "./codec.ts";
import { createLifetime, type Lifetime } from "./lifetime.ts";

/** What came, as the server hands it over. */
export interface Arrival {
  readonly request: Request;
  readonly peer: string | undefined;
  readonly stop: AbortSignal | undefined;
  readonly upgrade?: Upgrade | undefined;
}

export interface Answering {
  readonly service: Service;
  readonly dispatch: Dispatch;
  /** The largest message taken or sent. */
  readonly maxBodyBytes: number;
  /** A page of this origin may call as one of our own. */
  readonly trusts: (origin: string) => boolean;
  readonly log: Log;
}

/** What the handler sends beside its reply, as far as it touched it. */
export interface Sent {
  header: Headers | undefined;
  trailer: Headers | undefined;
}

export interface Outcome extends Sent {
  /** The reply's bytes, unless it failed. */
  readonly reply: Uint8Array | undefined;
  readonly error: MicrorunError | undefined;
  /** It failed before the handler was asked. */
  readonly refused: boolean;
}

export interface UnaryCall {
  readonly endpoint: Endpoint;
  readonly codec: Codec;
  readonly timeoutMs: number | undefined;
  /** The handler value of the request; a promise where its body is still to come. */
  readonly read: () => unknown;
}

/** Never rejects, and answers as soon as the time is over, whether the handler settles or not. */
export function callUnary(arrival: Arrival, unary: UnaryCall, answering: Answering): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  void run(arrival, unary, answering, resolve);
  return promise;
}

async function run(
  arrival: Arrival,
  { endpoint: { method }, codec, timeoutMs, read }: UnaryCall,
  answering: Answering,
  settle: (outcome: Outcome) => void,
): Promise<void> {
  const sent: Sent = { header: undefined, trailer: undefined };
  const lifetime = createLifetime(arrival.request, timeoutMs, arrival.stop);
  let refused = true;
  let over = false;
  const end = (reply: Uint8Array | undefined, error?: MicrorunError): void => {
    over = true;
    lifetime[Symbol.dispose]();
    const { header, trailer } = sent;
    settle({ reply, error, header, trailer, refused });
  };
  const fail = (thrown: unknown): void => {
    if (!over) end(undefined, errorOf(thrown, method, answering.log));
  };
  lifetime.watch(fail);
  try {
    if (over) return;
    const reading = read();
    const request = reading instanceof Promise ? await reading : reading;
    if (over) return;
    refused = false;
    const reply = await answering.dispatch(callOf(arrival, method, request, lifetime, sent));
    if (!over) end(encodeReply(codec, method, reply, answering));
  } catch (thrown) {
    fail(thrown);
  }
}

export function callOf(
  { request, peer }: Arrival,
  method: Method,
  message: unknown,
  lifetime: Lifetime,
  sent: Sent,
): Call {
  return new HttpCall(request, peer, method, message, lifetime, sent);
}

/** Metadata and signal are made when first looked at: most handlers never do, and each costs. A class, as every call is one. */
class HttpCall implements Call {
  readonly service: string;
  readonly method: string;
  readonly request: unknown;
  readonly type: Method;
  readonly deadline?: number;
  readonly peer?: string;
  readonly reply: NonNullable<Call["reply"]>;
  readonly #arrived: Request;
  readonly #lifetime: Lifetime;
  #metadata: Headers | undefined = undefined;

  constructor(
    arrived: Request,
    peer: string | undefined,
    method: Method,
    message: unknown,
    lifetime: Lifetime,
    sent: Sent,
  ) {
    this.service = method.service;
    this.method = method.name;
    this.request = message;
    this.type = method;
    if (lifetime.deadline !== undefined) this.deadline = lifetime.deadline;
    if (peer !== undefined) this.peer = peer;
    this.reply = new HttpReplyMetadata(sent);
    this.#arrived = arrived;
    this.#lifetime = lifetime;
  }

  get metadata(): Headers {
    this.#metadata ??= lazyHeaders(this.#arrived.headers, visible);
    return this.#metadata;
  }

  get signal(): AbortSignal {
    return this.#lifetime.signal;
  }
}

class HttpReplyMetadata {
  readonly #sent: Sent;

  constructor(sent: Sent) {
    this.#sent = sent;
  }

  get header(): Headers {
    this.#sent.header ??= ownHeaders();
    return this.#sent.header;
  }

  get trailer(): Headers {
    this.#sent.trailer ??= ownHeaders();
    return this.#sent.trailer;
  }
}

export function errorOf(thrown: unknown, { service, name }: Method, log: Log): MicrorunError {
  if (!(thrown instanceof MicrorunError)) log.error(`${service}.${name} failed`, { error: thrown });
  return MicrorunError.from(thrown);
}

/** Fields that belong to HTTP, to Connect or to gRPC-Web, never to handlers. */
const internal =
  /^(connect-.*|grpc-((accept-)?encoding|message|status(-details-bin)?|timeout)|x-grpc-web|content-(encoding|length|type)|accept-encoding|connection|expect|host|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade)$/;

const visible: FieldSource<Headers> = {
  get: (headers, name) => (internal.test(name) ? null : headers.get(name)),
  each: (headers, tell) => eachHeader(headers, (name, value) => internal.test(name) || tell(name, value)),
};

/** Adds what the handler sends to the response's own fields. */
export function addMetadata(to: Headers, from: Headers | undefined, prefix = ""): void {
  eachSent(from, (name, value) => to.append(prefix + name, value));
}

/** Tells of what the handler sends that is its own. */
export function eachSent(from: Headers | undefined, tell: (name: string, value: string) => void): void {
  if (from !== undefined) eachHeader(from, (name, value) => internal.test(name) || tell(name, value));
}

/** One call with one reply, whichever form of HTTP it came in: time, metadata, messages. */
import type { Call, Dispatch, Method } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Endpoint, Service } from "../service/service.ts";
import { type Codec, encodeReply } from "./codec.ts";
import { createLifetime, type Lifetime } from "./lifetime.ts";

/** What came, as the server hands it over. */
export interface Arrival {
  readonly request: Request;
  readonly peer: string | undefined;
  readonly stop: AbortSignal | undefined;
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
  header?: Headers;
  trailer?: Headers;
}

export interface Outcome extends Sent {
  /** The reply's bytes, unless it failed. */
  readonly reply?: Uint8Array;
  readonly error?: MicrorunError;
  /** It failed before the handler was asked. */
  readonly refused: boolean;
}

export interface UnaryCall {
  readonly endpoint: Endpoint;
  readonly codec: Codec;
  readonly timeoutMs: number | undefined;
  /** The handler value of the request. */
  readonly read: () => Promise<unknown>;
}

/** Never rejects, and answers as soon as the time is over, whether the handler settles or not. */
export async function callUnary(
  arrival: Arrival,
  { endpoint, codec, timeoutMs, read }: UnaryCall,
  answering: Answering,
): Promise<Outcome> {
  const { method } = endpoint;
  const sent: Sent = {};
  let refused = true;
  using lifetime = createLifetime(arrival.request, timeoutMs, arrival.stop);
  try {
    const request = await lifetime.during(read);
    const call = callOf(arrival, method, request, lifetime, sent);
    refused = false;
    const reply = await lifetime.during(() => answering.dispatch(call));
    return { ...sent, refused, reply: encodeReply(codec, method, reply, answering) };
  } catch (thrown) {
    return { ...sent, refused, error: errorOf(thrown, method, answering.log) };
  }
}

/** Metadata and signal are made when first looked at: most handlers never do, and each costs. */
export function callOf(
  { request: { headers }, peer }: Arrival,
  method: Method,
  request: unknown,
  lifetime: Lifetime,
  sent: Sent,
): Call {
  let metadata: Headers | undefined;
  return {
    service: method.service,
    method: method.name,
    request,
    type: method,
    get metadata() {
      metadata ??= metadataOf(headers);
      return metadata;
    },
    get signal() {
      return lifetime.signal;
    },
    reply: {
      get header() {
        sent.header ??= new Headers();
        return sent.header;
      },
      get trailer() {
        sent.trailer ??= new Headers();
        return sent.trailer;
      },
    },
    ...(lifetime.deadline === undefined ? {} : { deadline: lifetime.deadline }),
    ...(peer === undefined ? {} : { peer }),
  };
}

export function errorOf(thrown: unknown, { service, name }: Method, log: Log): MicrorunError {
  if (!(thrown instanceof MicrorunError)) log.error(`${service}.${name} failed`, { error: thrown });
  return MicrorunError.from(thrown);
}

/** Fields that belong to HTTP or to Connect, never to handlers. */
const internal =
  /^(connect-.*|content-(encoding|length|type)|accept-encoding|connection|expect|host|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade)$/;

function metadataOf(headers: Headers): Headers {
  const metadata = new Headers();
  for (const [key, value] of headers) if (!internal.test(key)) metadata.append(key, value);
  return metadata;
}

/** Adds what the handler sends to the response's own fields. */
export function addMetadata(to: Headers, from: Headers | undefined, prefix = ""): void {
  if (from === undefined) return;
  for (const [key, value] of from) if (!internal.test(key)) to.append(prefix + key, value);
}

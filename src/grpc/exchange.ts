/** One call on the server's side, from its bytes on the wire to `dispatch` and back, whatever engine speaks HTTP/2. */
import type { Dispatch, Method } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { type AnyIterator, discard, iteratorOf } from "../iteration.ts";
import type { Log } from "../log.ts";
import type { Endpoint, Service } from "../service/service.ts";
import { maxTimerMs } from "../wait.ts";
import { type Codec, codecOf } from "./content.ts";
import { checkFields, type Fields, writeFields } from "./metadata.ts";
import { createPullStream, type PullStream } from "./pull-stream.ts";
import { createServedCall, type ServedCall } from "./served-call.ts";
import { okStatus, type Status, speaksMicro, toStatus } from "./status.ts";
import { readTimeout } from "./timeout.ts";

/** A call as the engine has it: bytes, header fields, the end. Nothing is written after `end`, or once the exchange is cancelled. */
export interface Wire {
  readonly path: string;
  readonly headers: Fields;
  readonly peer: string | undefined;
  /** Asks for the next message; `message`, `halfClose`, `broken` or `cancelled` answers. */
  read(): void;
  /** To go before the first message; undefined: nothing but what gRPC needs. */
  header(fields: Record<string, string> | undefined): void;
  /** @param flushed called once the bytes are no longer buffered here */
  message(bytes: Uint8Array, flushed: () => void): void;
  end(status: Status, trailer?: Record<string, string>): void;
}

/** What the engine tells a call, and what the server may ask of it. */
export interface Exchange {
  /** Undefined where the path names none. */
  readonly endpoint: Endpoint | undefined;
  start(): void;
  message(bytes: Uint8Array): void;
  halfClose(): void;
  /** The request cannot be read any further: framing, compression, size. */
  broken(error: MicrorunError): void;
  /** The caller is gone: nobody to answer. */
  cancelled(): void;
  /** Answers at once, whether the handler settles or not. */
  abort(reason: MicrorunError): void;
}

export interface Answering {
  readonly service: Service;
  readonly dispatch: Dispatch;
  readonly maxMessageBytes: number;
  readonly log: Log;
  /** The call is over. */
  readonly ended: (exchange: Exchange) => void;
}

/** How many bytes of a streamed reply may wait to be written before the handler waits for the caller. */
const maxUnflushedBytes = 65_536;

export function openExchange(
  wire: Wire,
  { service, dispatch, maxMessageBytes, log, ended }: Answering,
): Exchange {
  const codec = codecOf(String(wire.headers["content-type"]));
  const [, serviceName = "", methodName = "", ...rest] = wire.path.split("/");
  const endpoint = rest.length === 0 ? service.find(serviceName, methodName) : undefined;

  let over = false;
  let timer: NodeJS.Timeout | undefined;
  let deadline: number | undefined;
  let only: Uint8Array | undefined;
  let requests: PullStream | undefined;
  let served: ServedCall | undefined;
  let replies: AnyIterator | undefined;
  let headerSent = false;
  let unflushedBytes = 0;
  let room: PromiseWithResolvers<void> | undefined;

  const start = (): void => {
    try {
      if (endpoint === undefined) throw notFound(wire.path, serviceName, methodName, service);
      checkFields(wire.headers);
      const timeoutMs = readTimeout(text(wire.headers["grpc-timeout"]), text(wire.headers.timeout));
      if (timeoutMs !== undefined) startTimer(timeoutMs);
      if (endpoint.method.requestStream) {
        requests = createPullStream(() => wire.read());
        void run(endpoint.method, requests);
      } else wire.read();
    } catch (error) {
      finish(MicrorunError.from(error));
    }
  };

  const startTimer = (ms: number): void => {
    deadline = Date.now() + ms;
    if (ms > maxTimerMs) return;
    timer = setTimeout(() => finish(new MicrorunError("deadline_exceeded", "deadline exceeded")), ms);
  };

  const run = async (method: Method, request: unknown): Promise<void> => {
    served = createServedCall({ method, request, headers: wire.headers, peer: wire.peer, deadline });
    try {
      const reply = await dispatch(served.call);
      if (over) return discard(method.responseStream ? iteratorOf(reply) : undefined);
      if (method.responseStream) await sendAll(method, reply);
      else send(method, reply);
      finish();
    } catch (thrown) {
      if (!over) finish(readable(method, thrown));
    }
  };

  /** What no caller may read is for the log. */
  const readable = ({ service: owner, name }: Method, thrown: unknown): MicrorunError => {
    if (!(thrown instanceof MicrorunError)) log.error(`${owner}.${name} failed`, { error: thrown });
    return MicrorunError.from(thrown);
  };

  const sendAll = async (method: Method, reply: unknown): Promise<void> => {
    replies = iteratorOf(reply);
    if (replies === undefined) throw new TypeError(`${method.service}.${method.name} returned no iterable`);
    while (!over) {
      const next = await replies.next();
      if (over) return;
      if (next.done) {
        replies = undefined;
        return;
      }
      send(method, next.value);
      if (unflushedBytes < maxUnflushedBytes) continue;
      room = Promise.withResolvers();
      await room.promise;
    }
  };

  const send = (method: Method, reply: unknown): void => {
    const bytes = encode(codec, method, reply);
    const { length } = bytes;
    if (length > maxMessageBytes)
      throw new MicrorunError(
        "resource_exhausted",
        `reply of ${length} bytes: the limit is ${maxMessageBytes}`,
      );
    sendHeader();
    unflushedBytes += length;
    wire.message(bytes, () => {
      unflushedBytes -= length;
      if (unflushedBytes < maxUnflushedBytes) room?.resolve();
    });
  };

  const sendHeader = (): void => {
    if (headerSent) return;
    headerSent = true;
    wire.header(served?.header && writeFields(served.header));
  };

  /** The one place where a call ends. */
  const finish = (error?: MicrorunError, silent = false): void => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    if (error !== undefined) {
      requests?.fail(error);
      served?.abort(error);
    }
    discard(replies);
    room?.resolve();
    if (!silent) respond(error);
    ended(exchange);
  };

  const respond = (error: MicrorunError | undefined): void => {
    const failure = (thrown: unknown): Status =>
      toStatus(MicrorunError.from(thrown), speaksMicro(wire.headers), service.name);
    try {
      const trailer = served?.trailer && writeFields(served.trailer);
      // a failed call without header of its own is answered by trailers alone
      if (error === undefined || served?.header !== undefined) sendHeader();
      wire.end(error === undefined ? okStatus : failure(error), trailer);
    } catch (thrown) {
      log.error(`${wire.path}: the reply's metadata cannot be sent`, { error: thrown });
      wire.end(failure(error ?? new MicrorunError("internal", "internal error")));
    }
  };

  /** A message that makes no sense ends the call. */
  const decoded = (method: Method, bytes: Uint8Array, then: (request: unknown) => void): void => {
    try {
      then(codec.decode(method.request, bytes));
    } catch (error) {
      finish(readable(method, error));
    }
  };

  const begin = (method: Method, bytes: Uint8Array): void =>
    decoded(method, bytes, (request) => void run(method, request));

  const encode = (codec: Codec, { service, name, response }: Method, reply: unknown): Uint8Array => {
    try {
      return codec.encode(response, reply);
    } catch (error) {
      log.error(`${service}.${name}: the reply does not fit its type`, { error });
      throw new MicrorunError("internal", "internal error", { cause: error });
    }
  };

  const exchange: Exchange = {
    endpoint,
    start,
    message(bytes) {
      if (over || endpoint === undefined) return;
      const stream = requests;
      if (stream !== undefined) decoded(endpoint.method, bytes, stream.push);
      else if (only !== undefined) finish(secondMessage(endpoint.method));
      else {
        only = bytes;
        // go-micro's clients never half-close a call whose reply streams: one message is all they have to say
        if (endpoint.method.responseStream) begin(endpoint.method, bytes);
        wire.read();
      }
    },
    halfClose() {
      if (over || endpoint === undefined) return;
      const { method } = endpoint;
      if (requests !== undefined) requests.end();
      else if (only === undefined)
        finish(new MicrorunError("internal", "no message where the method takes one"));
      else if (!method.responseStream) begin(method, only);
    },
    broken: (error) => finish(error),
    cancelled: () => finish(new MicrorunError("cancelled", "the caller cancelled the call"), true),
    abort: (reason) => finish(reason),
  };
  return exchange;
}

function text(value: Fields[string]): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** Without a schema nothing says that requests stream. */
function secondMessage({ service, name, request }: Method): MicrorunError {
  if (request.decode !== undefined)
    return new MicrorunError("internal", "a second message where the method takes one");
  const why = "it takes one request, a stream of them needs a .proto";
  return new MicrorunError("unimplemented", `${service}.${name}: ${why}`);
}

function notFound(path: string, serviceName: string, method: string, service: Service): MicrorunError {
  if (path.split("/").length !== 3 || !path.startsWith("/"))
    return new MicrorunError("unimplemented", `malformed method name: ${path}`);
  if (service.has(serviceName))
    return new MicrorunError("unimplemented", `unknown method ${method} for service ${serviceName}`);
  return new MicrorunError("unimplemented", `unknown service ${serviceName}`);
}

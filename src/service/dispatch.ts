/** From a call to the user's handler and back: finds it, gives it its context, and turns what it throws into what a caller may read. */
import type { Call, Dispatch, ReplyMetadata } from "../call.ts";
import type { Client } from "../client/client.ts";
import type { Config } from "../config/config.ts";
import { MicrorunError } from "../errors.ts";
import { isStream } from "../iteration.ts";
import type { Context, Endpoint, RuntimeContext, Service } from "./service.ts";

/** What every handler may use; `config` and `client` are asked for at each call. */
export interface Surroundings extends Pick<RuntimeContext, "service" | "broker" | "log"> {
  /** The snapshot that this call will see. */
  readonly config: () => Config;
  /** A client that carries on the call's deadline, metadata and cancellation. */
  readonly client: (call: Call) => Client;
}

export function createDispatch(service: Service, surroundings: Surroundings): Dispatch {
  const { log } = surroundings;
  const fail = (call: Call, thrown: unknown): MicrorunError => {
    if (thrown instanceof MicrorunError) return thrown;
    if (call.signal.aborted) return MicrorunError.from(call.signal.reason);
    log.error(`${call.service}.${call.method} failed`, { error: thrown });
    return MicrorunError.from(thrown);
  };

  const byMethod = new Map(service.endpoints.map((endpoint) => [endpoint.method, endpoint]));
  const find = ({ type, service: name, method }: Call): Endpoint | undefined =>
    (type && byMethod.get(type)) ?? service.find(name, method);

  return async (call) => {
    const endpoint = find(call);
    if (endpoint?.handler === undefined) throw unimplemented(service, call);
    try {
      const reply: unknown = await endpoint.handler(call.request, new HandlerContext(call, surroundings));
      if (endpoint.method.responseStream) return guarded(call, iterable(reply, call), fail);
      if (isStream(reply))
        throw new TypeError(`${call.service}.${call.method} is unary, but its handler returned a stream`);
      return reply;
    } catch (thrown) {
      throw fail(call, thrown);
    }
  };
}

function unimplemented(service: Service, call: Call): MicrorunError {
  if (!service.has(call.service))
    return new MicrorunError("unimplemented", `unknown service ${call.service}`);
  if (service.find(call.service, call.method) === undefined) {
    return new MicrorunError("unimplemented", `unknown method ${call.method} for service ${call.service}`);
  }
  return new MicrorunError(
    "unimplemented",
    `${call.service}.${call.method}: the service has no handler for it`,
  );
}

/** Lazy where making it costs and few handlers look. A class, as every call makes one. */
class HandlerContext implements Context {
  readonly service: Context["service"];
  readonly peer: string | undefined;
  readonly deadline: number | undefined;
  readonly claims: Context["claims"];
  readonly config: Config;
  readonly broker: Context["broker"];
  readonly log: Context["log"];
  private readonly call: Call;
  private readonly clientOf: Surroundings["client"];
  private bound: Client | undefined = undefined;
  private own: ReplyMetadata | undefined = undefined;

  constructor(call: Call, { service, config, client, broker, log }: Surroundings) {
    this.service = service;
    this.peer = call.peer;
    this.deadline = call.deadline;
    this.claims = call.claims;
    this.config = config();
    this.broker = broker;
    this.log = log;
    this.call = call;
    this.clientOf = client;
  }

  get method(): Context["method"] {
    return { service: this.call.service, name: this.call.method };
  }

  get metadata(): Headers {
    return this.call.metadata;
  }

  get signal(): AbortSignal {
    return this.call.signal;
  }

  get header(): Headers {
    return this.reply.header;
  }

  get trailer(): Headers {
    return this.reply.trailer;
  }

  get client(): Client {
    this.bound ??= this.clientOf(this.call);
    return this.bound;
  }

  /** Kept here where nobody wants it. */
  private get reply(): ReplyMetadata {
    this.own ??= this.call.reply ?? { header: new Headers(), trailer: new Headers() };
    return this.own;
  }
}

function iterable(reply: unknown, call: Call): AsyncIterable<unknown> | Iterable<unknown> {
  if (isStream(reply)) return reply;
  if (typeof reply === "object" && reply !== null && Symbol.iterator in reply)
    return reply as Iterable<unknown>;
  throw new TypeError(
    `${call.service}.${call.method} streams its reply, but its handler returned no iterable`,
  );
}

function guarded(
  call: Call,
  replies: AsyncIterable<unknown> | Iterable<unknown>,
  fail: (call: Call, thrown: unknown) => MicrorunError,
): AsyncIterable<unknown> {
  return new GuardedReplies(isStream(replies) ? replies : awaited(replies), (thrown) => {
    throw fail(call, thrown);
  });
}

/** Not a generator around another: each message would wait in both. */
class GuardedReplies implements AsyncIterable<unknown>, AsyncIterator<unknown> {
  private readonly replies: AsyncIterable<unknown>;
  private readonly failed: (thrown: unknown) => never;
  private iterator: AsyncIterator<unknown> | undefined = undefined;

  constructor(replies: AsyncIterable<unknown>, failed: (thrown: unknown) => never) {
    this.replies = replies;
    this.failed = failed;
  }

  [Symbol.asyncIterator](): AsyncIterator<unknown> {
    return this;
  }

  next(): Promise<IteratorResult<unknown>> {
    try {
      this.iterator ??= this.replies[Symbol.asyncIterator]();
      return Promise.resolve(this.iterator.next()).then(undefined, this.failed);
    } catch (thrown) {
      return Promise.reject(thrown).catch(this.failed);
    }
  }

  async return(): Promise<IteratorResult<unknown>> {
    try {
      await this.iterator?.return?.();
    } catch (thrown) {
      this.failed(thrown);
    }
    return { done: true, value: undefined };
  }
}

async function* awaited(replies: Iterable<unknown>): AsyncGenerator<unknown> {
  yield* replies;
}

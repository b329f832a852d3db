/** From a call to the user's handler and back: finds it, gives it its context, and turns what it throws into what a caller may read. */
import type { Call, Dispatch } from "../call.ts";
import type { Client } from "../client/client.ts";
import type { Config } from "../config/config.ts";
import { MicrorunError } from "../errors.ts";
import { isStream } from "../iteration.ts";
import type { Context, RuntimeContext, Service } from "./service.ts";

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

  return async (call) => {
    const endpoint = service.find(call.service, call.method);
    if (endpoint?.handler === undefined) throw unimplemented(service, call);
    try {
      const reply: unknown = await endpoint.handler(call.request, contextOf(call, surroundings));
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

/** Lazy where making it costs and few handlers look. */
function contextOf(call: Call, { service, config, client, broker, log }: Surroundings): Context {
  let boundClient: Client | undefined;
  let header: Headers | undefined;
  let trailer: Headers | undefined;
  return {
    service,
    method: { service: call.service, name: call.method },
    get metadata() {
      return call.metadata;
    },
    peer: call.peer,
    get signal() {
      return call.signal;
    },
    deadline: call.deadline,
    get header() {
      header ??= call.reply?.header ?? new Headers();
      return header;
    },
    get trailer() {
      trailer ??= call.reply?.trailer ?? new Headers();
      return trailer;
    },
    config: config(),
    get client() {
      boundClient ??= client(call);
      return boundClient;
    },
    broker,
    log,
  };
}

function iterable(reply: unknown, call: Call): AsyncIterable<unknown> | Iterable<unknown> {
  if (isStream(reply)) return reply;
  if (typeof reply === "object" && reply !== null && Symbol.iterator in reply)
    return reply as Iterable<unknown>;
  throw new TypeError(
    `${call.service}.${call.method} streams its reply, but its handler returned no iterable`,
  );
}

async function* guarded(
  call: Call,
  replies: AsyncIterable<unknown> | Iterable<unknown>,
  fail: (call: Call, thrown: unknown) => MicrorunError,
): AsyncGenerator<unknown> {
  try {
    yield* replies;
  } catch (thrown) {
    throw fail(call, thrown);
  }
}

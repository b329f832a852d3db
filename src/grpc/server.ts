/** A gRPC server on one port, whatever engine is under it: which requests are calls, and how it stops without losing one. */
import type { Dispatch } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import type { Service } from "../service/service.ts";
import type { ListenOptions, Server } from "../transport/transport.ts";
import { isGrpc } from "./content.ts";
import { type Exchange, openExchange } from "./exchange.ts";
import type { Fields } from "./metadata.ts";
import type { OpenWire } from "./wire.ts";

export const defaultMaxMessageBytes = 4_194_304;
const defaultDrainTimeoutMs = 10_000;

/** How long the last answers may take to leave, after the calls are over. */
const flushMs = 1000;

/** Calls being handled at a time; a handler whose caller has left counts until it settles. */
const maxHandlers = 10_000;

export async function serveGrpc(
  open: OpenWire,
  service: Service,
  dispatch: Dispatch,
  options: ListenOptions,
): Promise<Server> {
  const { address, web, tls, log, maxMessageBytes = defaultMaxMessageBytes } = options;
  const exchanges = new Set<Exchange>();
  /** Of web requests under way, what cancels them. */
  const requests = new Set<() => void>();
  let state: "serving" | "draining" | "cutting" = "serving";
  let idle: PromiseWithResolvers<void> | undefined;
  let handlers = 0;

  const settle = (): void => {
    if (exchanges.size === 0 && requests.size === 0) idle?.resolve();
  };
  const ended = (exchange: Exchange): void => {
    exchanges.delete(exchange);
    settle();
  };
  const counted: Dispatch = async (call) => {
    handlers++;
    try {
      return await dispatch(call);
    } finally {
      handlers--;
    }
  };

  const wire = await open({
    address,
    tls,
    maxMessageBytes,
    web,
    log,
    isCall: (headers) => headers[":method"] === "POST" && isGrpc(text(headers["content-type"])),
    full: () => Math.max(handlers, exchanges.size) >= maxHandlers,
    call(wire) {
      const exchange = openExchange(wire, { service, dispatch: counted, maxMessageBytes, log, ended });
      exchanges.add(exchange);
      if (state === "cutting" || (state === "draining" && isWatch(exchange)))
        queueMicrotask(() => exchange.abort(stopping()));
      return exchange;
    },
    request(cancel) {
      if (state === "cutting") return undefined;
      requests.add(cancel);
      return () => {
        requests.delete(cancel);
        settle();
      };
    },
  });

  const stop = async (): Promise<void> => {
    state = "draining";
    await wire.close();
    for (const exchange of exchanges) if (isWatch(exchange)) exchange.abort(stopping());
    const drained = wire.leave().then(() => {
      idle = Promise.withResolvers();
      settle();
      return idle.promise;
    });
    if (!(await inTime(drained, options.drainTimeoutMs ?? defaultDrainTimeoutMs))) {
      log.warn(`${exchanges.size + requests.size} calls were still under way and are aborted`);
    }
    state = "cutting";
    for (const exchange of exchanges) exchange.abort(stopping());
    for (const cancel of requests) cancel();
    await inTime(wire.closed(), flushMs);
    wire.cut();
  };

  let stopped: Promise<void> | undefined;
  return {
    address: wire.address,
    [Symbol.asyncDispose]() {
      stopped ??= stop();
      return stopped;
    },
  };
}

/** Streams of the runtime's own, Health/Watch and the like, never end by themselves. */
function isWatch({ endpoint }: Exchange): boolean {
  return endpoint?.internal === true && endpoint.method.responseStream;
}

function text(value: Fields[string]): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function stopping(): MicrorunError {
  return new MicrorunError("unavailable", "the server is stopping");
}

async function inTime(work: Promise<void>, ms: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), ms);
  try {
    return await Promise.race([work.then(() => true), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

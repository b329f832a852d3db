/** A gRPC server on one port, whatever engine is under it: which requests are calls, and how it stops without losing one. */
import type { Dispatch } from "../call.ts";
import { createDeadlines } from "../deadlines.ts";
import { MicrorunError } from "../errors.ts";
import type { Service } from "../service/service.ts";
import { defaultServerLimits, type ListenOptions, type Server } from "../transport/transport.ts";
import { headReader } from "./call-head.ts";
import { isGrpc } from "./content.ts";
import { defaultMaxMessageBytes } from "./defaults.ts";
import { type Answering, type Exchange, openExchange } from "./exchange.ts";
import type { Fields } from "./metadata.ts";
import type { OpenWire } from "./wire.ts";

const defaultDrainTimeoutMs = 10_000;

/** How long the last answers may take to leave, after the calls are over. */
const flushMs = 1000;

export async function serveGrpc(
  open: OpenWire,
  service: Service,
  dispatch: Dispatch,
  options: ListenOptions,
): Promise<Server> {
  const { address, web, tls, log, maxMessageBytes = defaultMaxMessageBytes } = options;
  const limits = { ...defaultServerLimits, ...options.limits };
  const exchanges = new Set<Exchange>();
  /** Of web requests under way, what cancels them. */
  const requests = new Set<() => void>();
  let state: "serving" | "draining" | "cutting" = "serving";
  let idle: PromiseWithResolvers<void> | undefined;

  const settle = (): void => {
    if (exchanges.size === 0 && requests.size === 0) idle?.resolve();
  };
  const ended = (exchange: Exchange): void => {
    exchanges.delete(exchange);
    settle();
  };
  const answering: Answering = {
    name: service.name,
    dispatch,
    maxMessageBytes,
    deadlines: createDeadlines(),
    log,
    handlers: 0,
    ended,
  };
  const readHead = headReader(service);

  const wire = await open({
    address,
    tls,
    maxMessageBytes,
    shared: options.shared ?? false,
    limits,
    web,
    log,
    readHead: (headers) =>
      headers[":method"] === "POST" && isGrpc(text(headers["content-type"])) ? readHead(headers) : undefined,
    // a handler whose caller has left counts until it settles
    full: () => Math.max(answering.handlers, exchanges.size) >= limits.maxCalls,
    call(wire) {
      const exchange = openExchange(wire, answering);
      exchanges.add(exchange);
      if (state === "cutting" || (state === "draining" && exchange.isWatch))
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
    for (const exchange of exchanges) if (exchange.isWatch) exchange.abort(stopping());
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
    ...(tls === undefined ? {} : { renew: wire.renew }),
    [Symbol.asyncDispose]() {
      stopped ??= stop();
      return stopped;
    },
  };
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

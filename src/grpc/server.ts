/** A gRPC server on one port: which streams are calls, which are the web's, and how it stops without losing one. */
import type { ServerHttp2Stream } from "node:http2";
import type { Dispatch } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import type { Service } from "../service/service.ts";
import type { ListenOptions, Server } from "../transport/transport.ts";
import { isGrpc } from "./content.ts";
import { createEngine } from "./engine.ts";
import { type Exchange, openExchange } from "./exchange.ts";
import { openPort } from "./port.ts";
import { serveWebStream } from "./web-stream.ts";

export const defaultMaxMessageBytes = 4_194_304;
const defaultDrainTimeoutMs = 10_000;

/** How long the last answers may take to leave, after the calls are over. */
const flushMs = 1000;

/** RST_STREAM's REFUSED_STREAM: nothing was done, try elsewhere. */
const resetRefused = 7;
/** RST_STREAM's CANCEL */
const resetCancel = 8;

export async function serveGrpc(
  service: Service,
  dispatch: Dispatch,
  options: ListenOptions,
): Promise<Server> {
  const { web, tls, log, maxMessageBytes = defaultMaxMessageBytes } = options;
  const exchanges = new Set<Exchange>();
  const webStreams = new Set<ServerHttp2Stream>();
  let state: "serving" | "draining" | "cutting" = "serving";
  let idle: PromiseWithResolvers<void> | undefined;

  const settle = (): void => {
    if (exchanges.size === 0 && webStreams.size === 0) idle?.resolve();
  };
  const ended = (exchange: Exchange): void => {
    exchanges.delete(exchange);
    settle();
  };

  const engine = createEngine({
    maxMessageBytes,
    isCall: (headers) => headers[":method"] === "POST" && isGrpc(headers["content-type"]),
    call(wire) {
      const exchange = openExchange(wire, { service, dispatch, maxMessageBytes, log, ended });
      exchanges.add(exchange);
      if (state === "cutting" || (state === "draining" && isWatch(exchange)))
        queueMicrotask(() => exchange.abort(stopping()));
      return exchange;
    },
    other(stream, headers, peer) {
      if (web === undefined || state === "cutting") {
        stream.on("error", () => {});
        if (web === undefined) stream.respond({ ":status": 415 }, { endStream: true });
        else stream.close(resetRefused);
        return;
      }
      webStreams.add(stream);
      const secure = tls !== undefined;
      void serveWebStream(stream, headers, { fetch: web.fetch, peer, secure, log }).then(() => {
        webStreams.delete(stream);
        settle();
      });
    },
  });

  const port = await openPort({
    address: options.address,
    tls,
    http2: engine.accept,
    other: web && ((socket) => web.accept(socket)),
  });

  const stop = async (): Promise<void> => {
    state = "draining";
    await port.close();
    for (const exchange of exchanges) if (isWatch(exchange)) exchange.abort(stopping());
    const drained = engine.leave().then(() => {
      idle = Promise.withResolvers();
      settle();
      return idle.promise;
    });
    if (!(await inTime(drained, options.drainTimeoutMs ?? defaultDrainTimeoutMs))) {
      log.warn(`${exchanges.size + webStreams.size} calls were still under way and are aborted`);
    }
    state = "cutting";
    for (const exchange of exchanges) exchange.abort(stopping());
    for (const stream of webStreams) stream.close(resetCancel);
    await inTime(engine.closed(), flushMs);
    port.cut();
  };

  let stopped: Promise<void> | undefined;
  return {
    address: port.address,
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

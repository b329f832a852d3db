/** HTTP/1.1 on connections that others accept, and without one lost request when it stops. */
import { MicrorunError } from "../errors.ts";
import type { Web } from "../transport/transport.ts";
import { pause } from "../wait.ts";
import { type Connection, type Household, serveConnection } from "./connection.ts";
import type { WebOptions } from "./h1.ts";
import { createTopics } from "./topics.ts";

const defaultDrainMs = 10_000;
const defaultHeadMs = 10_000;
/** How often silent connections are looked for, in ms, at least. */
const sweepMs = 1000;
/** How long a stop waits for a request on a connection that has none, in ms: it may be on its way. */
const maxFreshMs = 500;
/** How long an accepted connection may take to come here, in ms. */
const handoverMs = 50;
/** How long aborted requests have for their answer, in ms. */
const maxFarewellMs = 100;
/** Heads and short bodies are put together here, in bytes. */
const scratchBytes = 65_536;

export interface OwnWeb extends Web {
  /** Cuts every connection, and takes none. */
  cut(): void;
}

export function createWeb(options: WebOptions): OwnWeb {
  const { fetch, log, drainTimeoutMs = defaultDrainMs, headTimeoutMs = defaultHeadMs } = options;
  const { leaving = () => false, websocket } = options;
  const connections = new Set<Connection>();
  const stop = new AbortController();
  let draining = false;
  let over = false;
  let elsewhere = 0;
  let sweeper: ReturnType<typeof setInterval> | undefined;
  let quiet: PromiseWithResolvers<void> | undefined;

  const tellWhenQuiet = (): void => {
    if (elsewhere === 0 && connections.size === 0) quiet?.resolve();
  };
  const household: Household = {
    fetch,
    websocket,
    log,
    stop: stop.signal,
    headTimeoutMs,
    scratch: Buffer.allocUnsafeSlow(scratchBytes),
    topics: createTopics(),
    date: dates(),
    leaving: () => draining || leaving(),
    gone(connection) {
      connections.delete(connection);
      tellWhenQuiet();
    },
  };
  const sweep = (): void => {
    const now = Date.now();
    for (const connection of connections) connection.sweep(now);
  };

  const drain = async (): Promise<void> => {
    draining = true;
    for (const connection of connections) connection.drain();
    // whoever accepts connections may be about to hand over some
    await pause(handoverMs);
    quiet = Promise.withResolvers();
    tellWhenQuiet();
    const isQuiet = quiet.promise.then(() => true);
    const waited = new AbortController();
    const late = (ms: number): Promise<boolean> => pause(ms, waited.signal).then(() => false);
    void late(maxFreshMs).then(() => {
      for (const connection of connections) connection.end();
    });
    if (!(await Promise.race([isQuiet, late(drainTimeoutMs)]))) {
      const count = elsewhere + [...connections].filter(({ busy }) => busy).length;
      if (count > 0) log.warn(`${count} requests were still under way and are aborted`);
      stop.abort(new MicrorunError("unavailable", "the server is stopping"));
      await Promise.race([isQuiet, late(maxFarewellMs)]);
    }
    waited.abort();
    cut();
  };
  const cut = (): void => {
    over = true;
    clearInterval(sweeper);
    for (const connection of connections) connection.cut();
  };

  let drained: Promise<void> | undefined;
  return {
    async fetch(request, peer) {
      elsewhere++;
      try {
        return await fetch(request, peer, stop.signal);
      } finally {
        elsewhere--;
        tellWhenQuiet();
      }
    },
    accept(socket, secure) {
      if (over) {
        socket.terminate();
        return undefined;
      }
      sweeper ??= setInterval(sweep, Math.min(sweepMs, headTimeoutMs));
      const connection = serveConnection(socket, secure, household);
      connections.add(connection);
      return connection;
    },
    cut,
    [Symbol.asyncDispose]: () => {
      drained ??= drain();
      return drained;
    },
  };
}

/** The `date` field, made once a second. */
function dates(): () => string {
  let second = 0;
  let text = "";
  return () => {
    const now = Math.floor(Date.now() / 1000);
    if (now !== second) {
      second = now;
      text = new Date(now * 1000).toUTCString();
    }
    return text;
  };
}

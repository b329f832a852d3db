/** HTTP/1 on connections that others accept: node:http without a port of its own, and without one lost request when it stops. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { formatAddress } from "../address.ts";
import type { Fetch } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Web } from "../transport/transport.ts";
import { pause } from "../wait.ts";
import { sendResponse } from "./send.ts";

export interface WebOptions {
  readonly fetch: Fetch;
  /** How long a stop waits for requests under way before it aborts them, in ms. @default 10000 */
  readonly drainTimeoutMs?: number;
  /** How long a new connection may take until the head of its first request is there, in ms. @default 10000 */
  readonly headTimeoutMs?: number;
  /** True while clients had better look elsewhere: each answer is then the last of its connection. @default never */
  readonly leaving?: () => boolean;
  readonly log: Log;
}

const defaultDrainMs = 10_000;
const defaultHeadMs = 10_000;
/** How long a connection may be idle between two requests, in ms: longer than load balancers keep theirs. */
const maxIdleMs = 75_000;
/** How often silent connections are looked for, in ms, at least. */
const sweepMs = 1000;
const maxHeaderBytes = 16_384;
/** How long a stop waits for a request on a connection that has none, in ms: it may be on its way. */
export const maxFreshMs = 500;
/** How long an accepted connection may take to come here, in ms. */
const handoverMs = 50;
/** How long a client may take to close a connection that has ended, in ms. */
const maxLingerMs = 500;
/** How long aborted requests have for their answer, in ms. */
const maxFarewellMs = 100;

/** Deno closes a connection that it did not accept itself after one response; its clients had better know. */
const closesAnyway = "deno" in process.versions;

interface Connection {
  readonly peer: string | undefined;
  /** Answers being made; more than one when the client pipelines. */
  readonly underWay: Set<ServerResponse>;
  /** Had no request yet. */
  fresh: boolean;
  /** Nothing is answered any more. */
  ended: boolean;
  /** When it fell silent. */
  since: number;
}

export function createWeb(options: WebOptions): Web {
  const { fetch, log, drainTimeoutMs = defaultDrainMs, headTimeoutMs = defaultHeadMs } = options;
  const { leaving = () => false } = options;
  const connections = new Map<Duplex, Connection>();
  const stop = new AbortController();
  let draining = false;
  let over = false;
  let elsewhere = 0;
  let sweeper: ReturnType<typeof setInterval> | undefined;
  let quiet: PromiseWithResolvers<void> | undefined;

  const tellWhenQuiet = (): void => {
    if (elsewhere === 0 && connections.size === 0) quiet?.resolve();
  };

  /** Not cut at once: a reset could overtake the last answer, or what the client sends just now. */
  const end = (socket: Duplex, connection: Connection): void => {
    if (connection.ended) return;
    connection.ended = true;
    socket.end();
    const timer = setTimeout(() => socket.destroy(), maxLingerMs);
    socket.once("close", () => clearTimeout(timer));
  };

  const answer = getRequestListener(
    async (request, { incoming, outgoing }) => {
      const peer = connections.get((incoming as IncomingMessage).socket)?.peer;
      await sendResponse(await fetch(request, peer, stop.signal), outgoing as ServerResponse, log);
      return RESPONSE_ALREADY_SENT;
    },
    // for HTTP/1.0, which need not name one
    { overrideGlobalObjects: false, hostname: "localhost" },
  );

  const server = createServer({ maxHeaderSize: maxHeaderBytes, keepAliveTimeout: maxIdleMs });
  server.headersTimeout = headTimeoutMs;
  // bodies may stream for as long as they like; those of calls are timed where they are read
  server.requestTimeout = 0;
  server.on("clientError", refuse);
  server.on("request", (incoming, outgoing) => {
    const { socket } = incoming;
    const connection = connections.get(socket);
    if (connection === undefined) return void socket.destroy();
    if (connection.ended) return void incoming.resume();
    connection.fresh = false;
    connection.underWay.add(outgoing);
    if (draining || closesAnyway || leaving()) outgoing.setHeader("connection", "close");
    outgoing.once("close", () => {
      connection.underWay.delete(outgoing);
      connection.since = Date.now();
      if (draining && connection.underWay.size === 0) end(socket, connection);
    });
    if (incoming.headers.host === undefined && incoming.httpVersion !== "1.0")
      outgoing.writeHead(400, { connection: "close" }).end();
    else void answer(incoming, outgoing);
  });

  /** node:http's own timers do not see these connections on Bun. */
  const sweep = (): void => {
    const now = Date.now();
    for (const [socket, { fresh, since, underWay }] of connections) {
      if (underWay.size === 0 && now - since > (fresh ? headTimeoutMs : maxIdleMs)) socket.destroy();
    }
  };

  const accept = (socket: Duplex): void => {
    if (over) return void socket.destroy();
    sweeper ??= setInterval(sweep, Math.min(sweepMs, headTimeoutMs));
    connections.set(socket, {
      peer: peerOf(socket),
      underWay: new Set(),
      fresh: true,
      ended: false,
      since: Date.now(),
    });
    socket.once("close", () => {
      connections.delete(socket);
      tellWhenQuiet();
    });
    server.emit("connection", socket);
  };

  const drain = async (): Promise<void> => {
    draining = true;
    for (const { underWay } of connections.values())
      for (const outgoing of underWay) if (!outgoing.headersSent) outgoing.setHeader("connection", "close");
    // whoever accepts connections may be about to hand over some
    await pause(handoverMs);
    quiet = Promise.withResolvers();
    tellWhenQuiet();
    const done = quiet.promise;
    const isQuiet = done.then(() => true);
    const waited = new AbortController();
    const late = (ms: number): Promise<boolean> => pause(ms, waited.signal).then(() => false);
    void late(maxFreshMs).then(() => {
      for (const [socket, connection] of connections)
        if (connection.underWay.size === 0) end(socket, connection);
    });
    if (!(await Promise.race([isQuiet, late(drainTimeoutMs)]))) {
      const count =
        elsewhere + [...connections.values()].reduce((sum, { underWay }) => sum + underWay.size, 0);
      if (count > 0) log.warn(`${count} requests were still under way and are aborted`);
      stop.abort(new MicrorunError("unavailable", "the server is stopping"));
      await Promise.race([isQuiet, late(maxFarewellMs)]);
    }
    over = true;
    waited.abort();
    clearInterval(sweeper);
    for (const socket of connections.keys()) socket.destroy();
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
    accept,
    [Symbol.asyncDispose]: () => {
      drained ??= drain();
      return drained;
    },
  };
}

function refuse(error: Error & { code?: string }, socket: Duplex): void {
  if (socket.writable && error.code !== "ECONNRESET") {
    const status =
      error.code === "HPE_HEADER_OVERFLOW" ? "431 Request Header Fields Too Large" : "400 Bad Request";
    socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
  }
  socket.destroy();
}

function peerOf(socket: Duplex): string | undefined {
  const { remoteAddress, remotePort } = socket as Socket;
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return formatAddress({ host: remoteAddress, port: remotePort });
}

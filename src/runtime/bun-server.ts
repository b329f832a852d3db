/** HTTP/1.1 on a port of its own by Bun.serve, the cheapest there is. */
import { formatAddress, parseAddress } from "../address.ts";
import { nativeResponse } from "../lazy-response.ts";
import type { Upgrade, WebSocketConnection, WebSocketHandler } from "../web-socket.ts";
import type { HostServer, ServeOptions } from "./runtime.ts";

/** RFC 6455 §7.4.1 */
const goingAway = 1001;
const defaultBodyBytes = 4_194_304;
/** How long a connection may stay silent between requests, and while an answer is sent. The handler may take any time. */
const idleSeconds = 120;
/** Answers that may pause for longer. */
const streamed = /event-stream|connect\+|grpc|ndjson|jsonl/;

/** @throws the system's error, `code` as in Node: `EADDRINUSE`, `EACCES` */
export async function serveWithBun(options: ServeOptions): Promise<HostServer> {
  const { address, tls } = options;
  const place = parseAddress(address);
  const handler = options.websocket;
  const open = new Set<WebSocketConnection>();
  const common = {
    ...(handler === undefined ? {} : { websocket: tracked(handler, open) as Bun.WebSocketHandler<unknown> }),
    ...(tls === undefined ? {} : { tls: secured(tls) }),
    maxRequestBodySize: options.maxBodyBytes ?? defaultBodyBytes,
    development: false,
    async fetch(request: Request, server: Bun.Server<unknown>) {
      server.timeout(request, 0);
      const peer = server.requestIP(request);
      const from = peer === null ? undefined : formatAddress({ host: peer.address, port: peer.port });
      let upgraded = false;
      const upgrade: Upgrade = ({ data, headers } = {}) => {
        upgraded =
          handler !== undefined &&
          server.upgrade(request, {
            data,
            ...(headers === undefined ? {} : { headers: new Headers(headers) }),
          });
        return upgraded;
      };
      const response = nativeResponse(await options.fetch(request, from, undefined, upgrade));
      if (upgraded) return undefined as never;
      if (!streamed.test(response.headers.get("content-type") ?? "")) server.timeout(request, idleSeconds);
      return response;
    },
    error: () => new Response("internal error\n", { status: 500 }),
  } as const;
  /** Its types know no `websocket` that may be there or not. */
  const serve = (how: object) => Bun.serve(how as Bun.Serve.Options<unknown>);
  const server =
    place.path === undefined
      ? serve({
          ...common,
          hostname: place.host ?? "::",
          port: place.port,
          // said either way: `development: false` alone lets a second server share a taken port instead of failing
          reusePort: options.shared ?? false,
          idleTimeout: idleSeconds,
        })
      : serve({ ...common, unix: place.path });
  return {
    address:
      place.path === undefined ? formatAddress({ host: server.hostname!, port: server.port! }) : address,
    async stop() {
      const stopped = server.stop();
      for (const socket of open) socket.close(goingAway);
      await stopped;
    },
    kill: () => void server.stop(true),
  };
}

/** Bun's own sockets are of our kind. Those that are open are known, so that a stop can tell them. */
function tracked(handler: WebSocketHandler, open: Set<WebSocketConnection>): WebSocketHandler {
  return {
    ...handler,
    message: (socket, message) => handler.message(socket, message),
    open(socket) {
      open.add(socket);
      return handler.open?.(socket);
    },
    close(socket, code, reason) {
      open.delete(socket);
      return handler.close?.(socket, code, reason);
    },
  };
}

function secured({ cert, key, ca }: NonNullable<ServeOptions["tls"]>): Bun.TLSOptions {
  return ca === undefined ? { cert, key } : { cert, key, ca, requestCert: true, rejectUnauthorized: true };
}

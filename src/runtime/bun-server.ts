/** HTTP/1.1 on a port of its own by Bun.serve, the cheapest there is. */
import { formatAddress, parseAddress } from "../address.ts";
import type { HostServer, ServeOptions } from "./runtime.ts";

const defaultBodyBytes = 4_194_304;
/** How long a connection may stay silent between requests, and while an answer is sent. The handler may take any time. */
const idleSeconds = 120;
/** Answers that may pause for longer. */
const streamed = /event-stream|connect\+|grpc|ndjson|jsonl/;

/** @throws the system's error, `code` as in Node: `EADDRINUSE`, `EACCES` */
export async function serveWithBun(options: ServeOptions): Promise<HostServer> {
  const { address, tls } = options;
  const place = parseAddress(address);
  const common = {
    ...(tls === undefined ? {} : { tls: secured(tls) }),
    maxRequestBodySize: options.maxBodyBytes ?? defaultBodyBytes,
    development: false,
    async fetch(request: Request, server: Bun.Server<undefined>) {
      server.timeout(request, 0);
      const peer = server.requestIP(request);
      const from = peer === null ? undefined : formatAddress({ host: peer.address, port: peer.port });
      const response = await options.fetch(request, from);
      if (!streamed.test(response.headers.get("content-type") ?? "")) server.timeout(request, idleSeconds);
      return response;
    },
    error: () => new Response("internal error\n", { status: 500 }),
  } as const;
  const server =
    place.path === undefined
      ? Bun.serve({
          ...common,
          hostname: place.host ?? "::",
          port: place.port,
          // otherwise `development: false` lets a second server share a taken port instead of failing
          reusePort: false,
          idleTimeout: idleSeconds,
        })
      : Bun.serve({ ...common, unix: place.path });
  return {
    address:
      place.path === undefined ? formatAddress({ host: server.hostname!, port: server.port! }) : address,
    stop: async () => void (await server.stop()),
    kill: () => void server.stop(true),
  };
}

function secured({ cert, key, ca }: NonNullable<ServeOptions["tls"]>): Bun.TLSOptions {
  return ca === undefined ? { cert, key } : { cert, key, ca, requestCert: true, rejectUnauthorized: true };
}

/** HTTP/1.1 on a port of its own by Bun.serve, the cheapest there is. */
import { formatAddress, parseAddress } from "../address.ts";
import type { HostServer, ServeOptions } from "./runtime.ts";

const defaultBodyBytes = 4_194_304;
/** How long a connection may stay silent between requests; a request under way is not limited. */
const idleSeconds = 120;

/** @throws the system's error, `code` as in Node: `EADDRINUSE`, `EACCES` */
export async function serveWithBun(options: ServeOptions): Promise<HostServer> {
  const { address, tls } = options;
  const place = parseAddress(address);
  const common = {
    ...(tls === undefined ? {} : { tls: secured(tls) }),
    maxRequestBodySize: options.maxBodyBytes ?? defaultBodyBytes,
    development: false,
    fetch(request: Request, server: Bun.Server<undefined>) {
      server.timeout(request, 0);
      const peer = server.requestIP(request);
      return options.fetch(
        request,
        peer === null ? undefined : formatAddress({ host: peer.address, port: peer.port }),
      );
    },
    error: () => new Response("internal error\n", { status: 500 }),
  } as const;
  const server =
    place.path === undefined
      ? Bun.serve({ ...common, hostname: place.host ?? "::", port: place.port, idleTimeout: idleSeconds })
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

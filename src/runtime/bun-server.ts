/** HTTP/1.1 on a port of its own by Bun.serve, the cheapest there is. */
import type { HostServer, ServeOptions } from "./runtime.ts";

const defaultBodyBytes = 4_194_304;
/** How long a connection may stay silent between requests; a request under way is not limited. */
const idleSeconds = 120;

/** @throws the system's error, `code` as in Node: `EADDRINUSE`, `EACCES` */
export async function serveWithBun(options: ServeOptions): Promise<HostServer> {
  const { address, tls } = options;
  const server = Bun.serve({
    ...place(address),
    ...(tls === undefined ? {} : { tls: secured(tls) }),
    maxRequestBodySize: options.maxBodyBytes ?? defaultBodyBytes,
    idleTimeout: idleSeconds,
    development: false,
    fetch(request, server) {
      server.timeout(request, 0);
      const peer = server.requestIP(request);
      return options.fetch(request, peer === null ? undefined : host(peer.address, peer.port));
    },
    error: () => new Response("internal error\n", { status: 500 }),
  });
  return {
    address: address.startsWith("unix:") ? address : host(server.hostname ?? "", server.port ?? 0),
    stop: async () => void (await server.stop()),
    kill: () => void server.stop(true),
  };
}

function place(address: string): { unix: string } | { hostname: string; port: number } {
  if (address.startsWith("unix:")) return { unix: address.slice("unix:".length) };
  const colon = address.lastIndexOf(":");
  const hostname = address.slice(0, colon).replace(/^\[(.*)\]$/, "$1") || "::";
  return { hostname, port: Number(address.slice(colon + 1)) };
}

function host(hostname: string, port: number): string {
  return hostname.includes(":") && !hostname.startsWith("[")
    ? `[${hostname}]:${port}`
    : `${hostname}:${port}`;
}

function secured({ cert, key, ca }: NonNullable<ServeOptions["tls"]>): Bun.TLSOptions {
  return ca === undefined ? { cert, key } : { cert, key, ca, requestCert: true, rejectUnauthorized: true };
}

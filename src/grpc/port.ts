/** A listening port that tells HTTP/2 from everything else by a connection's first bytes. */
import { rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, Server as TlsServer } from "node:tls";
import { type Address, formatAddress, parseAddress } from "../address.ts";
import type { Tls } from "../transport/transport.ts";
import { pause } from "../wait.ts";
import { certificateError, listenAt } from "./listening.ts";

export interface PortOptions {
  /** `host:port`, `:port` or `unix:/path`. */
  readonly address: string;
  readonly tls?: Tls | undefined;
  /** Several processes may listen there. @default false */
  readonly shared?: boolean;
  /** One more is closed at once. @default any */
  readonly maxConnections?: number;
  /** Takes a connection that speaks HTTP/2; what was read of it is put back. */
  readonly http2: (socket: Socket) => void;
  /** Takes any other. Absent: they are closed. */
  readonly other?: ((socket: Socket) => void) | undefined;
}

export interface Port {
  /** With the port filled in. */
  readonly address: string;
  /** @throws MicrorunError `invalid_argument`; nothing has changed then */
  renew(tls: Tls): void;
  /** No new connections. */
  close(): Promise<void>;
  /** Cuts the connections that speak HTTP/2 and those that have not spoken. */
  cut(): void;
}

/** What every HTTP/2 client says first; nobody's HTTP/1 request begins so. */
export const preface = "PRI * HTTP/2.0\r\n";

/** How long a connection may take for its TLS handshake, and then again for its first bytes. */
export const maxSilenceMs = 10_000;

/** How long a connection that was just accepted may take for its first bytes once the port is closed. */
export const lastWordsMs = 20;

/** How many connections may be silent at a time; the longest silent one makes room for a new one. */
export const maxSilent = 1024;

/** @throws MicrorunError `already_exists`, `permission_denied` or `invalid_argument` */
export async function openPort({
  address,
  tls,
  shared = false,
  maxConnections = Number.POSITIVE_INFINITY,
  http2,
  other,
}: PortOptions): Promise<Port> {
  const target = parseAddress(address);
  const silent = new Set<Socket>();
  const sockets = new Set<Socket>();
  let connections = 0;

  const accept = (socket: Socket): void => {
    // without a listener an error would end the process; a "close" follows each
    socket.on("error", () => {});
    if (connections >= maxConnections) return void socket.destroy();
    connections++;
    sockets.add(socket);
    socket.once("close", () => {
      connections--;
      sockets.delete(socket);
    });
    const [longest] = silent;
    if (silent.size >= maxSilent) longest?.destroy();
    silent.add(socket);
    const timer = setTimeout(() => socket.destroy(), maxSilenceMs);
    const settle = (): void => {
      clearTimeout(timer);
      silent.delete(socket);
      socket.off("close", settle);
      socket.off("readable", look);
    };
    let begun = Buffer.alloc(0);
    const look = (): void => {
      const bytes: Buffer | null = socket.read();
      if (bytes === null) return;
      begun = Buffer.concat([begun, bytes]);
      const begin = begun.toString("latin1", 0, preface.length);
      if (begin.length < preface.length && preface.startsWith(begin)) return;
      settle();
      // paused mode all along: Bun's http2 misses bytes put back into a socket that has flowed
      socket.unshift(begun);
      if (begin === preface) http2(socket);
      else if (other === undefined) socket.destroy();
      else {
        sockets.delete(socket);
        other(socket);
      }
    };
    socket.on("close", settle);
    socket.on("readable", look);
  };

  const server =
    tls === undefined ? createServer({ noDelay: true }, accept) : createSecureServer(tls, accept);
  await listenAt(target, () => listenOnce(server, target, shared));
  return {
    address: boundAddress(server, target),
    renew(next) {
      try {
        if (server instanceof TlsServer) server.setSecureContext(secured(next));
      } catch (error) {
        throw certificateError(error);
      }
    },
    async close() {
      server.close();
      await pause(lastWordsMs);
      if (target.path !== undefined) await rm(target.path, { force: true });
    },
    cut() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

function secured({ cert, key, ca }: Tls) {
  return {
    cert,
    key,
    ...(ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: true }),
  };
}

function createSecureServer(tls: Tls, accept: (socket: Socket) => void): Server {
  try {
    const server = createTlsServer(
      {
        ...secured(tls),
        ALPNProtocols: ["h2", "http/1.1"],
        handshakeTimeout: maxSilenceMs,
        noDelay: true,
      },
      accept,
    );
    server.on("tlsClientError", (_, socket) => socket.destroy());
    return server;
  } catch (error) {
    throw certificateError(error);
  }
}

async function listenOnce(server: Server, target: Address, shared: boolean): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ ...target, ...(shared ? { reusePort: true } : {}) }, () => {
      server.off("error", reject);
      // a failing accept concerns one connection
      server.on("error", () => {});
      resolve();
    });
  });
}

function boundAddress(server: Server, target: Address): string {
  const bound = server.address();
  if (bound === null || typeof bound === "string") return formatAddress(target);
  return formatAddress({ host: bound.address, port: bound.port });
}

/** Sockets of node:net and node:tls, for Deno and Node: they keep what they cannot send, so they are stopped at their mark. */
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { connect as connectPlain, createServer, isIP, type Socket } from "node:net";
import { connect as connectSecure, createServer as createSecureServer, Server, TLSSocket } from "node:tls";
import { formatAddress, parseAddress } from "../address.ts";
import type {
  OpenSocket,
  SocketConnectOptions,
  SocketListenOptions,
  Sockets,
  SocketTls,
  SocketUser,
} from "./h2.ts";
import { maxHandshakeMs, ownProtocols } from "./sockets.ts";

export function nodeSockets(): Sockets {
  return { listen, connect };
}

async function listen({ address, tls, protocols = ownProtocols, shared = false, open }: SocketListenOptions) {
  const place = parseAddress(address);
  const accept = (socket: Socket): void => carry(socket, open);
  const server =
    tls === undefined
      ? createServer(accept)
      : createSecureServer(serverTls(tls, protocols), (socket) => accept(socket));
  server.on("tlsClientError", (_: Error, socket: Socket) => socket.destroy());
  server.listen({ ...place, ...(shared ? { reusePort: true } : {}) });
  await once(server, "listening");
  const bound = server.address();
  return {
    address:
      bound === null || typeof bound === "string"
        ? address
        : formatAddress({ host: bound.address, port: bound.port }),
    renew(next: SocketTls) {
      if (server instanceof Server) server.setSecureContext(serverTls(next, protocols));
    },
    async [Symbol.asyncDispose]() {
      server.close();
      if (place.path !== undefined) await rm(place.path, { force: true });
    },
  };
}

async function connect<U extends SocketUser>({ address, tls, signal, open }: SocketConnectOptions<U>) {
  const place = parseAddress(address);
  const target = place.path === undefined ? { host: "localhost", ...place } : place;
  const socket =
    tls === undefined
      ? connectPlain(target)
      : connectSecure({ ...target, ...clientTls(tls, place.path === undefined ? place.host : undefined) });
  try {
    await once(socket, tls === undefined ? "connect" : "secureConnect", signal ? { signal } : {});
  } catch (error) {
    socket.destroy();
    throw error;
  }
  let user: U | undefined;
  carry(socket, (opened) => {
    user = open(opened);
    return user;
  });
  return user!;
}

/** Brings a socket and its user together. */
function carry(socket: Socket, open: (socket: OpenSocket) => SocketUser | undefined): void {
  // a close follows
  socket.on("error", () => {});
  socket.setNoDelay(true);
  const user = open(openSocket(socket));
  socket.on("data", (bytes: Buffer) => user?.receive(bytes));
  socket.on("drain", () => user?.writable());
  socket.once("close", () => user?.gone());
}

function openSocket(socket: Socket): OpenSocket {
  const { remoteAddress, remotePort } = socket;
  const protocol = socket instanceof TLSSocket ? socket.alpnProtocol : null;
  return {
    peer: remoteAddress ? formatAddress({ host: remoteAddress, port: remotePort ?? 0 }) : "",
    protocol: protocol || undefined,
    write(bytes, offset, length) {
      if (socket.destroyed || socket.writableEnded) return -1;
      if (socket.writableNeedDrain) return 0;
      // the engine's buffer is filled again at once
      socket.write(Buffer.from(bytes.subarray(offset, offset + length)));
      return length;
    },
    end: () => void socket.end(),
    terminate: () => void socket.destroy(),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
  };
}

function serverTls({ cert, key, ca }: SocketTls, protocols: readonly string[]) {
  const mutual = ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: true };
  return { cert, key, ...mutual, ALPNProtocols: [...protocols], handshakeTimeout: maxHandshakeMs };
}

function clientTls({ cert, key, ca, serverName }: SocketTls, host: string | undefined) {
  const name = serverName ?? host;
  // an address is checked against the certificate as `host`, and must not be sent as a name
  const named = name === undefined || isIP(name) !== 0 ? {} : { servername: name };
  return { cert, key, ca, ...named, ALPNProtocols: [...ownProtocols] };
}

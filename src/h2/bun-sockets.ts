/** Sockets of Bun.listen and Bun.connect: no streams and no copies between the system and the engine. */
import { rm } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { formatAddress, parseAddress } from "../address.ts";
import type {
  OpenSocket,
  SocketConnectOptions,
  SocketListenOptions,
  Sockets,
  SocketTls,
  SocketUser,
} from "./h2.ts";
import { maxHandshakeMs, maxHandshakes, ownProtocols } from "./sockets.ts";

/** What a socket carries along. */
interface Carried {
  user: SocketUser | undefined;
  /** While the TLS handshake lasts. */
  timer: ReturnType<typeof setTimeout> | undefined;
  /** Of the socket, before it closes. */
  error?: string;
}

/** How long a peer whose certificate was refused may take to read so. */
const refusalMs = 500;

type BunSocket = Bun.Socket<Carried | undefined>;

export function bunSockets(): Sockets {
  return { listen, connect };
}

async function listen({ address, tls, protocols = ownProtocols, shared = false, open }: SocketListenOptions) {
  const place = parseAddress(address);
  const handlers = socketHandlers({ secure: tls !== undefined, verified: tls?.ca !== undefined }, (socket) =>
    open(openSocket(socket)),
  );
  let security = tls && checked(serverTls(tls, protocols));
  const common = {
    socket: security === undefined ? handlers : securing(bounded(handlers), () => security!),
  };
  const onHost = (hostname: string) =>
    Bun.listen<Carried | undefined>({
      ...common,
      hostname,
      port: place.path === undefined ? place.port : 0,
      ...(shared ? sharedPort : {}),
    });
  const listener =
    place.path !== undefined
      ? Bun.listen<Carried | undefined>({ ...common, unix: place.path })
      : place.host !== undefined
        ? onHost(place.host)
        : onAnyHost(onHost);
  return {
    address: place.path === undefined ? formatAddress(boundTo(listener as Bun.TCPSocketListener)) : address,
    renew(next: SocketTls) {
      security = checked(serverTls(next, protocols));
    },
    async [Symbol.asyncDispose]() {
      listener.stop();
      if (place.path !== undefined) await rm(place.path, { force: true });
    },
  };
}

function boundTo({ hostname, port }: Bun.TCPSocketListener): { host: string; port: number } {
  return { host: hostname, port };
}

/** Of a socket that is accepted in cleartext: a listener's own TLS could not be changed any more. */
function securing(handlers: ReturnType<typeof socketHandlers>, tls: () => Bun.TLSOptions) {
  return {
    open(socket: BunSocket): void {
      socket.upgradeTLS({ ...upgraded, tls: tls(), socket: handlers, data: undefined });
    },
    data() {},
    error: handlers.error,
  };
}

/** As many handshakes at a time as may be. */
function bounded(handlers: ReturnType<typeof socketHandlers>): typeof handlers {
  const shaking = new Set<BunSocket>();
  return {
    ...handlers,
    open(socket) {
      const [longest] = shaking;
      if (shaking.size >= maxHandshakes) longest?.terminate();
      shaking.add(socket);
      handlers.open(socket);
    },
    handshake(socket, ...how) {
      shaking.delete(socket);
      handlers.handshake(socket, ...how);
    },
    close(socket) {
      shaking.delete(socket);
      handlers.close(socket);
    },
  };
}

/** @throws what the TLS library says of a certificate that is none, which a listener in cleartext would not */
function checked<T extends Bun.TLSOptions>(tls: T): T {
  const { cert, key, ca } = tls as SocketTls;
  createSecureContext({ cert, key, ca });
  return tls;
}

/** All addresses of both kinds; of IPv4 alone where the system has no IPv6. */
function onAnyHost<T>(listen: (hostname: string) => T): T {
  try {
    return listen("::");
  } catch (error) {
    if (/^(EADDRINUSE|EACCES)$/.test(String((error as { code?: unknown }).code))) throw error;
    return listen("0.0.0.0");
  }
}

function connect<U extends SocketUser>({ address, tls, signal, open }: SocketConnectOptions<U>): Promise<U> {
  const place = parseAddress(address);
  const { promise, resolve, reject } = Promise.withResolvers<U>();
  let opened: BunSocket | undefined;
  const stop = (): void => {
    opened?.terminate();
    reject(signal?.reason);
  };
  const handlers = socketHandlers({ secure: tls !== undefined, verified: true }, (socket) => {
    signal?.removeEventListener("abort", stop);
    if (signal?.aborted) {
      socket.terminate();
      return undefined;
    }
    try {
      const user = open(openSocket(socket));
      resolve(user);
      return user;
    } catch (error) {
      reject(error);
      throw error;
    }
  });
  const common = {
    socket: {
      ...handlers,
      open(socket: BunSocket) {
        opened = socket;
        if (signal?.aborted) socket.terminate();
        else handlers.open(socket);
      },
      handshake(socket: BunSocket, success: boolean, error: Error | null) {
        if (error !== null) reject(error);
        handlers.handshake(socket, success, error);
      },
      close(socket: BunSocket, error?: Error) {
        reject(error ?? new Error("the peer has closed the connection"));
        handlers.close(socket);
      },
      connectError: (_: BunSocket, error: Error) => reject(error),
    },
    ...(tls === undefined ? {} : { tls: clientTls(tls, place.path === undefined ? place.host : undefined) }),
  };
  signal?.addEventListener("abort", stop, { once: true });
  const connecting =
    place.path === undefined
      ? Bun.connect<Carried | undefined>({ ...common, hostname: place.host ?? "localhost", port: place.port })
      : Bun.connect<Carried | undefined>({ ...common, unix: place.path });
  connecting.catch(reject);
  return promise;
}

interface Security {
  readonly secure: boolean;
  /** The peer's certificate must be good: Bun finds fault with a client that was not even asked for one. */
  readonly verified: boolean;
}

/** @param begin the socket is ready: who hears of it */
function socketHandlers(
  { secure, verified }: Security,
  begin: (socket: BunSocket) => SocketUser | undefined,
) {
  return {
    open(socket: BunSocket): void {
      socket.setNoDelay(true);
      if (secure)
        socket.data = { user: undefined, timer: setTimeout(() => socket.terminate(), maxHandshakeMs) };
      else socket.data = { user: begin(socket), timer: undefined };
    },
    handshake(socket: BunSocket, success: boolean, error: Error | null): void {
      clearTimeout(socket.data?.timer);
      if (success && (error === null || !verified)) socket.data = { user: begin(socket), timer: undefined };
      else refuse(socket);
    },
    data(socket: BunSocket, bytes: Buffer): void {
      socket.data?.user?.receive(bytes);
    },
    drain(socket: BunSocket): void {
      socket.data?.user?.writable();
    },
    close(socket: BunSocket): void {
      clearTimeout(socket.data?.timer);
      socket.data?.user?.gone(socket.data.error);
    },
    // of the system, of TLS and of `begin`
    error(socket: BunSocket, error: Error): void {
      if (socket.data !== undefined) socket.data.error = error.message;
      socket.terminate();
    },
  };
}

/** Not cut: a reset would overtake the alert, and with it why. */
function refuse(socket: BunSocket): void {
  socket.data = { user: undefined, timer: setTimeout(() => socket.terminate(), refusalMs) };
  socket.shutdown();
}

function openSocket(socket: BunSocket): OpenSocket {
  const { remoteAddress, remotePort, alpnProtocol: protocol } = socket;
  return {
    peer: remoteAddress ? formatAddress({ host: remoteAddress, port: remotePort }) : "",
    protocol: protocol || undefined,
    write: (bytes, offset, length) => socket.write(bytes, offset, length),
    // not closed at once: with bytes unread the system would take back what was sent last
    end: () => socket.shutdown(),
    terminate: () => void socket.terminate(),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
  };
}

/** Known to Bun's sockets, though not to their types: they are the server of the TLS that they begin. */
const upgraded = { isServer: true };

/** Known to Bun.listen, though not to its types. */
const sharedPort = { reusePort: true };

/** Bun wants the wire's form: with a plain "h2" every handshake fails. */
function alpnList(protocols: readonly string[]): Buffer {
  return Buffer.concat(protocols.flatMap((name) => [Buffer.from([name.length]), Buffer.from(name)]));
}

function serverTls({ cert, key, ca }: SocketTls, protocols: readonly string[]): Bun.TLSOptions {
  const mutual = ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: true };
  return { ...pair(cert, key), ...mutual, ALPNProtocols: alpnList(protocols) };
}

function clientTls({ cert, key, ca, serverName }: SocketTls, host: string | undefined): Bun.TLSOptions {
  const name = serverName ?? host;
  return {
    ...pair(cert, key),
    ...(ca === undefined ? {} : { ca }),
    ...(name === undefined ? {} : { serverName: name }),
    rejectUnauthorized: true,
    ALPNProtocols: alpnList(ownProtocols),
  };
}

function pair(cert: string | undefined, key: string | undefined): { cert?: string; key?: string } {
  return { ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) };
}

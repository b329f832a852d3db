/** Where connections come from, whatever the runtime: what listens for sockets and what opens them. */
import type { ByteSocket, SocketUser } from "./h2.ts";

/** A socket that is open, its TLS handshake done. */
export interface OpenSocket extends ByteSocket {
  /** Of the other end, `host:port`; empty over a unix socket. */
  readonly peer: string;
  /** What ALPN has chosen; undefined without TLS, or when the peer offered nothing that we take. */
  readonly protocol: string | undefined;
}

/** PEM texts. */
export interface SocketTls {
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Whose certificates the peer may show; a server that has it asks for one (mutual TLS). */
  readonly ca?: string | undefined;
  /** Of a client: the name that the server's certificate must bear. @default the host */
  readonly serverName?: string | undefined;
}

export interface SocketListenOptions {
  /** `host:port`, `:port` or `unix:/path`. */
  readonly address: string;
  readonly tls?: SocketTls | undefined;
  /** Several processes may listen there: the system shares the connections out. @default false */
  readonly shared?: boolean;
  /** Says who hears of the socket; undefined: it has been closed. */
  readonly open: (socket: OpenSocket) => SocketUser | undefined;
}

/** Disposing it: no new sockets; those that are open stay. */
export interface SocketListener extends AsyncDisposable {
  /** With the port filled in. */
  readonly address: string;
}

export interface SocketConnectOptions<U extends SocketUser> {
  readonly address: string;
  readonly tls?: SocketTls | undefined;
  readonly signal?: AbortSignal;
  readonly open: (socket: OpenSocket) => U;
}

export interface Sockets {
  /** @throws the system's error, or the TLS library's for a certificate that is none */
  listen(options: SocketListenOptions): Promise<SocketListener>;
  /** Rejects with the system's error, or the TLS library's for a peer that is not who it should be. */
  connect<U extends SocketUser>(options: SocketConnectOptions<U>): Promise<U>;
}

/** What we speak over TLS, as ALPN writes it. */
export const alpnProtocol = "h2";

/** For a TLS handshake. */
export const maxHandshakeMs = 10_000;

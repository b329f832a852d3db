/** The contract of HTTP/2: connections of either role, made of streams that hand over bytes without copying them. */
import { entrySize } from "./header-table.ts";
import type { Limits } from "./limits.ts";

export type { Limits };

/** Header fields as they travel, lower case and flat: `[name, value, name, value, …]`, one character per byte. */
export type Fields = readonly string[];

/** The size of a header list as its receiver limits it (RFC 9113 §6.5.2). */
export function listBytes(fields: Fields): number {
  let bytes = 0;
  for (let i = 0; i < fields.length; i += 2) bytes += entrySize(fields[i]!, fields[i + 1]!);
  return bytes;
}

/** RFC 9113 §7. */
export const errorCodes = {
  noError: 0,
  protocol: 1,
  internal: 2,
  flowControl: 3,
  settingsTimeout: 4,
  streamClosed: 5,
  frameSize: 6,
  refusedStream: 7,
  cancel: 8,
  compression: 9,
  connect: 10,
  enhanceYourCalm: 11,
} as const;

/** One decoded header block. */
export interface HeaderBlock {
  readonly fields: Fields;
  /** The list was over `maxHeaderListBytes`: fields are missing. A server answers with an error, a client drops the response. */
  readonly truncated: boolean;
  /** Free for the layer above. A block that repeats is the same object, so that what was made of it is made once. */
  note: unknown;
}

/** How a stream, or a whole connection, came to its end before it should. */
export interface Ending {
  /** One of `errorCodes`, or what else the peer said. */
  readonly code: number;
  readonly reason: string;
  /** True: the peer has not looked at the request, so that it may be made again, whatever it was (RFC 9113 §8.7). */
  readonly unsent: boolean;
  /** Of a stream: its connection ended, and it with it. @default false */
  readonly lost?: boolean;
}

/** Hears what comes in on a stream. In order: `headers` (client only), `data`, `trailers`, `end`; `reset` cuts in at any time. */
export interface StreamListener {
  /** A response's head; those of status 1xx come before the last. */
  headers?(block: HeaderBlock): void;
  /**
   * `bytes[start, end)` of the body. They stay as they are, but keeping them keeps the whole chunk that they came in
   * (up to 512 KB). Each byte is to be given back by `credit` and by `release`.
   */
  data(bytes: Buffer, start: number, end: number): void;
  trailers?(block: HeaderBlock): void;
  /** The peer has ended its side. */
  end(): void;
  /** The stream is gone although one side had not ended. Nothing follows. */
  reset(ending: Ending): void;
}

/** One request and its response. After it has closed every call is without effect. */
export interface Stream {
  /** 0 while a client's stream waits for the peer's limit to let it open. */
  readonly id: number;
  readonly closed: boolean;
  /** What the peer takes of a header list, as `listBytes` counts; infinite: it has not said. More resets the stream, unsent. */
  readonly maxHeaderListBytes: number;
  /**
   * Sends a head: a server's response, a client's has gone with `request`.
   * @param shared an array used again and again: its encoded form is kept
   * @param own fields of this stream alone
   */
  send(shared: Fields, own?: Fields): void;
  /**
   * Sends bytes of the body. `prefix` goes first and is copied; `bytes` must stay as they are while they wait.
   * @returns false when they wait for the peer: `ready` tells when not
   */
  write(bytes: Uint8Array, prefix?: Uint8Array): boolean;
  /** Resolves once there is room to write, or the stream has closed; undefined when there is room now. */
  ready(): Promise<void> | undefined;
  /** Ends our side, on the last frame of what was written. */
  end(): void;
  /** Ends our side with trailers, or with a head that nothing follows. */
  endWith(shared: Fields, own?: Fields): void;
  /** Gives the stream up. The listener hears no more. */
  reset(code: number): void;
  /** Lets the peer send as many bytes more. */
  credit(bytes: number): void;
  /** As many received bytes are not held any more: until then they count as memory of the connection. */
  release(bytes: number): void;
}

/** What a connection is written to. Nothing is kept by it: what it does not take is offered again after `writable`. */
export interface ByteSocket {
  /** How many of `length` bytes from `offset` on it took; -1 when it is closed. */
  write(bytes: Uint8Array, offset: number, length: number): number;
  /** Sends the end once what it took has left; the peer closes, or `terminate` does. */
  end(): void;
  /** Closes now. */
  terminate(): void;
  /** Reads no further until `resume`. */
  pause(): void;
  resume(): void;
}

/** What a socket tells the connection that it carries. */
export interface SocketUser {
  /** The bytes are the connection's to keep. */
  receive(bytes: Buffer): void;
  /** The socket takes bytes again. */
  writable(): void;
  /** The socket has closed. @param why the TLS library's words, or the system's */
  gone(why?: string): void;
}

/** A connection. Disposing it cuts it. */
export interface Session extends SocketUser, AsyncDisposable {
  /** Streams that are open. */
  readonly open: number;
  /** Takes no new streams, and closes when the last one has ended. A client's requests that wait are reset, `unsent`. */
  drain(): void;
  /** Tells the peer why, and closes. */
  close(code?: number, reason?: string): void;
  /** Resolves once no stream is left and the peer has been told; never rejects. */
  readonly closed: Promise<Ending>;
}

/** Takes a request. `stream` may be answered at once. `ended`: it has no body; the listener's `end` is called all the same. */
export type Accept = (stream: Stream, request: HeaderBlock, ended: boolean) => StreamListener;

export interface ClientSession extends Session {
  /** Requests that wait for the peer's limit of streams. */
  readonly waiting: number;
  /** False once it drains, has closed, or has used up its stream ids: a new connection is needed. */
  readonly usable: boolean;
  /** Resolves at the peer's first SETTINGS; rejects `unavailable` if the connection ends before. */
  readonly settled: Promise<void>;
  /**
   * Opens a stream, or has it wait for one to end. Its writes wait with it.
   * @param ended the request has no body
   * @throws MicrorunError `unavailable` when not usable, `resource_exhausted` when `maxWaiting` wait; both `unsent`;
   *   `internal` for a head larger than the peer takes
   */
  request(listener: StreamListener, shared: Fields, own?: Fields, ended?: boolean): Stream;
}

/** The engine of a process. Disposing it cuts its connections. */
export interface Engine extends AsyncDisposable {
  /** Connections of both roles. */
  readonly connections: number;
  /** What they hold for their peers. */
  readonly heldBytes: number;
  /** @returns undefined: there are too many, the socket has been closed */
  serve(socket: ByteSocket, accept: Accept, limits?: Partial<Limits>): Session | undefined;
  connect(socket: ByteSocket, limits?: Partial<Limits>): ClientSession;
  /** Does what time demands. Called by the engine itself, twice a second. */
  sweep(): void;
}

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
  /** What a client may choose over TLS, by ALPN. @default ["h2"] */
  readonly protocols?: readonly string[];
  /** Several processes may listen there: the system shares the connections out. @default false */
  readonly shared?: boolean;
  /** Says who hears of the socket; undefined: it has been closed. */
  readonly open: (socket: OpenSocket) => SocketUser | undefined;
}

/** Disposing it: no new sockets; those that are open stay. */
export interface SocketListener extends AsyncDisposable {
  /** With the port filled in. */
  readonly address: string;
  /** Shows other certificates from the next socket on. @throws the TLS library's error; the old ones stay then */
  renew(tls: SocketTls): void;
}

export interface SocketConnectOptions<U extends SocketUser> {
  readonly address: string;
  readonly tls?: SocketTls | undefined;
  readonly signal?: AbortSignal;
  readonly open: (socket: OpenSocket) => U;
}

/** Where connections come from, whatever the runtime: what listens for sockets and what opens them. */
export interface Sockets {
  /** @throws the system's error, or the TLS library's for a certificate that is none */
  listen(options: SocketListenOptions): Promise<SocketListener>;
  /** Rejects with the system's error, or the TLS library's for a peer that is not who it should be. */
  connect<U extends SocketUser>(options: SocketConnectOptions<U>): Promise<U>;
}

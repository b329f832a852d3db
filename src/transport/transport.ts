/** What carries calls: a transport listens for them and connects to others. */
import type { Dispatch, Fetch } from "../call.ts";
import type { OpenSocket, SocketUser } from "../h2/h2.ts";
import type { Log } from "../log.ts";
import type { Service } from "../service/service.ts";

/** PEM texts. With `ca`, a client must show a certificate that it signed (mutual TLS). */
export interface Tls {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
}

/** Answers what comes to a port and is not the transport's: web requests. */
export interface Web extends AsyncDisposable {
  readonly fetch: Fetch;
  /**
   * Takes over a connection that speaks HTTP/1.x; what was read of it so far is to be handed on first.
   * @param secure it is decrypted: the port has TLS
   * @returns who hears of the socket; undefined: it has been closed
   */
  accept(socket: OpenSocket, secure: boolean): SocketUser | undefined;
}

/** Bounds of a server, in each process. Times in ms. */
export interface ServerLimits {
  /** Connections of all kinds; one more is closed at once. @default 10000 */
  readonly maxConnections: number;
  /** Calls under way on one connection; told to the client, which waits with the next. @default 1000 */
  readonly maxStreams: number;
  /** Calls being handled; one more is refused, to be tried elsewhere. @default 10000 */
  readonly maxCalls: number;
  /** Header fields of one call, decoded; more are answered `resource_exhausted`. @default 65536 */
  readonly maxHeaderBytes: number;
  /** Of a connection, a tenth more or less: its client is then told to make another. 0: any. @default 0 */
  readonly maxAgeMs: number;
  /** How long a connection that is too old may go on with its calls: then it is cut. 0: as long as they take. @default 0 */
  readonly ageGraceMs: number;
  /** Without a call, then its client is told to go. 0: any. @default 300000 */
  readonly idleMs: number;
  /** Without a byte, then the client is asked whether it lives. 0: never. @default 120000 */
  readonly keepaliveMs: number;
  /** For its answer: then the connection is cut. @default 20000 */
  readonly keepaliveTimeoutMs: number;
}

export const defaultServerLimits: ServerLimits = {
  maxConnections: 10_000,
  maxStreams: 1000,
  maxCalls: 10_000,
  maxHeaderBytes: 65_536,
  maxAgeMs: 0,
  ageGraceMs: 0,
  idleMs: 300_000,
  keepaliveMs: 120_000,
  keepaliveTimeoutMs: 20_000,
};

export interface ListenOptions {
  /** `host:port`, `:port` (all interfaces), or `unix:/path`. Port 0: any free one. */
  readonly address: string;
  readonly tls?: Tls;
  /** What answers everything that is not this transport's. Absent: nothing does. */
  readonly web?: Web;
  /** The largest message taken or sent, in bytes. @default 4194304 */
  readonly maxMessageBytes?: number;
  /** How long a stop waits for calls under way before it aborts them, in ms. @default 10000 */
  readonly drainTimeoutMs?: number;
  /** Several processes may listen there: the system shares the connections out. @default false */
  readonly shared?: boolean;
  readonly limits?: Partial<ServerLimits>;
  readonly log: Log;
}

/** Disposing it: no new calls, wait for those under way up to `drainTimeoutMs`, abort the rest (`unavailable`). */
export interface Server extends AsyncDisposable {
  /** Where it listens, the port filled in: `0.0.0.0:8080`, `[::]:8080`, `unix:/path`. */
  readonly address: string;
  /**
   * Connections from now on are shown these certificates. Absent where there is no TLS.
   * @throws MicrorunError `invalid_argument`; nothing has changed then
   */
  renew?(tls: Tls): void;
}

export interface ConnectOptions {
  /** Read whenever a connection is made, so that it may change. Whether there is TLS must not. */
  readonly tls?: Partial<Tls> | undefined;
  /** Without a byte, then the server is asked whether it lives, in ms. 0: never. @default 300000 */
  readonly keepaliveMs?: number;
  /** For its answer, in ms: then the connection is cut. @default 20000 */
  readonly keepaliveTimeoutMs?: number;
  /** Requests worth it are packed with gzip. @default false */
  readonly gzip?: boolean;
  /** @default 4194304 */
  readonly maxMessageBytes?: number;
}

/** One peer. Disposing it cancels what is under way. */
export interface Connection extends AsyncDisposable {
  readonly dispatch: Dispatch;
}

export interface Transport {
  /** `grpc`, `memory` */
  readonly name: string;
  /** @throws MicrorunError `already_exists` when the address is taken, `permission_denied` when it may not be used */
  listen(service: Service, dispatch: Dispatch, options: ListenOptions): Promise<Server>;
  /** Connects when first used. */
  connect(address: string, options?: ConnectOptions): Connection;
}

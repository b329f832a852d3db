/** What carries calls: a transport listens for them and connects to others. */
import type { Duplex } from "node:stream";
import type { Dispatch, Fetch } from "../call.ts";
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
  /** Takes over a connection that speaks HTTP/1.x, bytes read so far put back. Decrypted where the port has TLS. */
  accept(socket: Duplex): void;
}

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
  readonly log: Log;
}

/** Disposing it: no new calls, wait for those under way up to `drainTimeoutMs`, abort the rest (`unavailable`). */
export interface Server extends AsyncDisposable {
  /** Where it listens, the port filled in: `0.0.0.0:8080`, `[::]:8080`, `unix:/path`. */
  readonly address: string;
}

export interface ConnectOptions {
  readonly tls?: Partial<Tls>;
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

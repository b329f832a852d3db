/** What a gRPC server needs of the engine under it: calls, web requests, and an end in steps. */
import type { Log } from "../log.ts";
import type { ServerLimits, Tls, Web } from "../transport/transport.ts";
import type { CallHead } from "./call-head.ts";
import type { Exchange, Wire } from "./exchange.ts";
import type { Fields } from "./metadata.ts";

export interface WireOptions {
  /** `host:port`, `:port` or `unix:/path`. */
  readonly address: string;
  readonly tls: Tls | undefined;
  readonly maxMessageBytes: number;
  /** Several processes may listen there. */
  readonly shared: boolean;
  readonly limits: ServerLimits;
  /** Takes HTTP/1 connections and requests that are no calls. Undefined: nobody does. */
  readonly web: Web | undefined;
  readonly log: Log;
  /** Undefined: a web request. */
  readonly readHead: (headers: Fields) => CallHead | undefined;
  /** As many calls are being handled as may be: one more is refused, to be tried elsewhere. */
  readonly full: () => boolean;
  readonly call: (wire: Wire) => Exchange;
  /**
   * A web request begins.
   * @param cancel gives it up
   * @returns what to call at its end; undefined: none is taken any more
   */
  readonly request: (cancel: () => void) => (() => void) | undefined;
}

export interface WireServer {
  /** With the port filled in. */
  readonly address: string;
  /** @throws MicrorunError `invalid_argument`; nothing has changed then */
  renew(tls: Tls): void;
  /** No new connections. */
  close(): Promise<void>;
  /** Tells every client to call elsewhere; resolves when they have heard it and none can still be sending a call. */
  leave(): Promise<void>;
  /** Resolves when no connection is left. */
  closed(): Promise<void>;
  /** Cuts the connections that are left, web's excepted. */
  cut(): void;
}

/** @throws MicrorunError `already_exists`, `permission_denied` or `invalid_argument` */
export type OpenWire = (options: WireOptions) => Promise<WireServer>;

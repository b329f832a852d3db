/** The contract of a gateway: services called over HTTP by path (Go Micro's `micro api`), web services passed through. */
import type { Call, Fetch, MessageType, Method } from "../call.ts";
import type { Client } from "../client/client.ts";
import type { Log } from "../log.ts";
import type { Wish } from "../selector/selector.ts";
import type { WebSocketHandler } from "../web-socket.ts";

/** Whose requests go to a web service, whole. Without host and prefix: all. */
export interface WebRoute {
  /** As in `Host`, without a port, in lower case. @default any */
  readonly host?: string;
  /** `/shop`: it, and all below it. @default `/` */
  readonly prefix?: string;
  readonly service: string;
}

export type Claims = Readonly<Record<string, unknown>>;

export interface TokenRules {
  /** @throws MicrorunError `unauthenticated`, `unavailable` */
  readonly verify: (token: string) => Promise<Claims>;
  /** Paths that need no token, with all below them. */
  readonly except: readonly string[];
}

/** What is counted: `ip`, `header:x-api-key` (its absence counts as the address does), `claim:sub`. */
export interface RateRules {
  readonly by: { readonly kind: "ip" } | { readonly kind: "header" | "claim"; readonly name: string };
  readonly take: (key: string) => {
    readonly allowed: boolean;
    readonly limit: number;
    readonly remaining: number;
    readonly resetMs: number;
    readonly retryMs: number;
  };
}

/** Bodies as the HTTP side reads and writes them. */
export interface Bodies {
  /** @throws MicrorunError `resource_exhausted`, `cancelled` */
  readBody(request: Request, maxBytes: number): Promise<Uint8Array>;
  /** @throws MicrorunError `unimplemented`, `resource_exhausted`, `invalid_argument` */
  decompress(bytes: Uint8Array, encoding: string | null, maxBytes: number): Promise<Uint8Array>;
  /** Undefined: not taken, or not worth it. */
  compress(bytes: Uint8Array, accepted: string | null): Promise<Uint8Array | undefined>;
  /** Fields of a query or form → handler value. @throws MicrorunError `invalid_argument` */
  fields(fields: URLSearchParams, type: MessageType): unknown;
}

export interface Upstream {
  /** `host:port` of an instance that serves the web. @throws MicrorunError `unavailable` */
  pick(service: string, wish: Wish): Promise<string>;
  report(address: string, error: unknown, ms: number): void;
  /** TLS of calls out. Absent: cleartext. */
  readonly tls?: () => UpstreamTls;
}

export interface UpstreamTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface GatewayOptions {
  /** Put before the name of each service that a path names, with a dot. Empty: none. */
  readonly namespace: string;
  /** The only services that may be called, namespace included. Empty: all. */
  readonly services: readonly string[];
  readonly routes: readonly WebRoute[];
  /** Calls that carry on what a request brought. */
  readonly client: (origin: Pick<Call, "metadata" | "signal" | "deadline">) => Client;
  /** A method's schema, learnt from its server. @throws MicrorunError */
  readonly learn: (client: Client, service: string, names: Names) => Promise<Method | undefined>;
  readonly upstream: Upstream;
  readonly bodies: Bodies;
  /** @default nobody needs one */
  readonly token?: TokenRules;
  /** @default as often as they like */
  readonly rate?: RateRules;
  /** A page of this origin may call. */
  readonly trusts: (origin: string) => boolean;
  /** Proxies in front that add to `x-forwarded-for`. 0: what it says counts for nothing. */
  readonly proxyHops: number;
  /** `/rpc` may name an address to call. */
  readonly rpcAddress: boolean;
  /** Of a message, either way. */
  readonly maxMessageBytes: number;
  /** Of a request that is passed through. */
  readonly maxUploadBytes: number;
  /** Of a call that does not stream. */
  readonly timeoutMs: () => number;
  /** Until a web service begins to answer. */
  readonly upstreamTimeoutMs: number;
  /** Large replies are packed with gzip for those who take it. */
  readonly compress: boolean;
  readonly accessLog: boolean;
  readonly log: Log;
}

/** A method as paths name it: `greeter.Greeter`, `Hello`. */
export interface Names {
  readonly service: string;
  readonly method: string;
}

export interface Gateway {
  readonly fetch: Fetch;
  /** What the requests that become WebSockets are handed to. */
  readonly websocket: WebSocketHandler;
}

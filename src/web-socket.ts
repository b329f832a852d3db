/** WebSockets as a web module sees them: Bun's own names, whatever is underneath. */

/** Ends a connection with 1000 and no reason unless told otherwise. */
export interface WebSocketConnection {
  /** What `upgrade` was given. */
  data: unknown;
  /** The caller's address; empty over a unix socket. */
  readonly remoteAddress: string;
  /** 1: open, 2: closing, 3: closed */
  readonly readyState: number;
  binaryType: "nodebuffer" | "arraybuffer" | "uint8array";
  /** @returns as Bun: bytes sent; -1 when they wait for the caller to read, then `drain`; 0 when they were dropped */
  send(message: string | ArrayBuffer | ArrayBufferView, compress?: boolean): number;
  sendText(message: string, compress?: boolean): number;
  sendBinary(message: ArrayBuffer | ArrayBufferView, compress?: boolean): number;
  ping(data?: string | ArrayBuffer | ArrayBufferView): number;
  pong(data?: string | ArrayBuffer | ArrayBufferView): number;
  close(code?: number, reason?: string): void;
  terminate(): void;
  /** Bytes that wait for the caller to read. */
  getBufferedAmount(): number;
  cork<T>(callback: (socket: WebSocketConnection) => T): T;
  subscribe(topic: string): void;
  unsubscribe(topic: string): void;
  isSubscribed(topic: string): boolean;
  readonly subscriptions: readonly string[];
  /** To the others that have subscribed. */
  publish(topic: string, message: string | ArrayBuffer | ArrayBufferView, compress?: boolean): number;
}

/** `websocket` of a web module, as Bun.serve takes it. */
export interface WebSocketHandler {
  // biome-ignore lint/suspicious/noExplicitAny: apps made for Bun have their own type of data
  readonly message: (socket: any, message: any) => unknown;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly open?: (socket: any) => unknown;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly close?: (socket: any, code: number, reason: string) => unknown;
  /** What waited has left. */
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly drain?: (socket: any) => unknown;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly ping?: (socket: any, data: any) => unknown;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly pong?: (socket: any, data: any) => unknown;
  /** The largest message taken, in bytes. @default 16777216 */
  readonly maxPayloadLength?: number;
  /** Without a word from the caller, in seconds; it is asked by a ping before. @default 120 */
  readonly idleTimeout?: number;
  /** What may wait for the caller to read, in bytes; more is dropped. @default 16777216 */
  readonly backpressureLimit?: number;
  /** Then the connection ends. @default false */
  readonly closeOnBackpressureLimit?: boolean;
  /** @default true */
  readonly sendPings?: boolean;
  /** A message published reaches its own sender too. @default false */
  readonly publishToSelf?: boolean;
}

export interface UpgradeOptions {
  /** Becomes `data` of the socket. */
  readonly data?: unknown;
  /** Sent with the 101. */
  readonly headers?: ConstructorParameters<typeof Headers>[0];
}

/** Makes a request's connection a WebSocket; the response given to it counts no more. False: it asked for none, or cannot. */
export type Upgrade = (options?: UpgradeOptions) => boolean;

export function asksForWebSocket({ headers }: Request): boolean {
  return headers.get("upgrade")?.toLowerCase() === "websocket";
}

/** The contract of HTTP/1.1 (RFC 9112) on sockets of our own: what a server of it is made of, and its bounds. */
import type { Fetch } from "../call.ts";
import type { Log } from "../log.ts";
import type { WebSocketHandler } from "../web-socket.ts";

export interface WebOptions {
  readonly fetch: Fetch;
  /** What a request that `fetch` upgrades is handed to. Absent: none can be. */
  readonly websocket?: WebSocketHandler | undefined;
  /** How long a stop waits for requests under way before it aborts them, in ms. @default 10000 */
  readonly drainTimeoutMs?: number;
  /** How long the head of a request may take, on a new connection from its start, in ms. @default 10000 */
  readonly headTimeoutMs?: number;
  /** True while clients had better look elsewhere: each answer is then the last of its connection. @default never */
  readonly leaving?: () => boolean;
  readonly log: Log;
}

/** A request's head, checked. One that repeats on its connection is the same object. */
export interface Head {
  readonly method: string;
  /** Whole, and normal. */
  readonly url: string;
  readonly headers: Headers;
  /** Of the body; -1: in chunks. */
  readonly length: number;
  /** The client lets the connection be used again. */
  readonly keepAlive: boolean;
  /** HTTP/1.0, which knows no chunks. */
  readonly old: boolean;
  /** It asks for another protocol. */
  readonly upgrades: boolean;
  /** `Expect: 100-continue` */
  readonly expects: boolean;
}

/** What is wrong with a request, as the status that says so. */
export interface Refusal {
  readonly refused: number;
}

export const limits = {
  /** Of a request's head, all of it. Above: 431. */
  headBytes: 16_384,
  /** Of its first line. Above: 414. */
  lineBytes: 8_192,
  /** Fields of a head. Above: 431. */
  fields: 200,
  /** Of the line that begins a chunk, its extensions included. Above: 400. */
  chunkLineBytes: 256,
  /** Of all that chunks carry beside the body: extensions, and the fields after the last. Above: 400. */
  chunkExtraBytes: 16_384,
  /** What is read of a body, or of pipelined requests, before somebody asks for it. */
  aheadBytes: 65_536,
  /** What may wait for a client to read before whoever makes it waits, too. */
  unsentBytes: 65_536,
  /** Of a request that is still taken after it was answered. Above: the connection ends. */
  ignoredBytes: 1_048_576,
  /** A connection without a request, in ms: longer than load balancers keep theirs. */
  idleMs: 75_000,
  /** A client that takes nothing of what waits for it, in ms. */
  stallMs: 120_000,
  /** For a client to close a connection that has ended, in ms. */
  lingerMs: 500,
} as const;

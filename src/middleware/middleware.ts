/** What a module stacks around its calls, and around those that it makes. */
import type { Call, Claims, Dispatch, Method } from "../call.ts";
import type { Config } from "../config/config.ts";
import type { Log } from "../log.ts";
import type { Upgrade } from "../web-socket.ts";

/** Where a middleware stands. */
export interface Surroundings {
  /** The service's name. */
  readonly service: string;
  /** Whatever is the present snapshot when it is looked at. */
  readonly config: Config;
  readonly log: Log;
  /** What is served. Absent around calls out: nobody knows all that may be called. */
  readonly methods?: readonly Method[];
  /** The `.proto` files behind it. @default none */
  readonly files?: () => readonly ProtoFileDescriptor[];
}

/** One file of a schema. */
export interface ProtoFileDescriptor {
  /** Import path. */
  readonly name: string;
  /** A serialized google.protobuf.FileDescriptorProto. */
  readonly bytes: Uint8Array;
}

/**
 * A middleware, `(next) => (call) => next(call)`, that may know where it stands, and stand around web requests too. The first of
 * a list is the outermost: it sees a call first and its reply last. What it throws, the caller is answered with; a streamed reply
 * is an `AsyncIterable`, whose errors come when it is read.
 */
export interface Layer {
  /** Called once, at the start. @throws MicrorunError `invalid_argument` for options that cannot hold: there is no start then */
  (next: Dispatch, surroundings?: Surroundings): Dispatch;
  /** Awaited before the first call. @throws MicrorunError as above */
  readonly ready?: (surroundings: Surroundings) => Promise<unknown>;
  /** The same around the module's own `fetch`. Absent: web requests pass by. */
  readonly web?: (next: WebDispatch, surroundings?: Surroundings) => WebDispatch;
  /** Which pages of other origins may call over HTTP. At most one of a list says so. */
  readonly cors?: (surroundings?: Surroundings) => CorsRules;
}

/** A web request on its way to the module's own `fetch`. */
export interface WebVisit {
  readonly request: Request;
  /** `ip:port` of the caller. */
  readonly peer?: string | undefined;
  /** As in `Call`. */
  readonly claims?: Claims | undefined;
  readonly upgrade?: Upgrade | undefined;
}

/** Answers a web request. A thrown MicrorunError is answered by the HTTP status of its code. */
export type WebDispatch = (visit: WebVisit) => Response | Promise<Response>;

export interface CorsRules {
  /** `https://shop.example`; `*`: any, without cookies. */
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  /** None: whatever is asked for. */
  readonly headers: readonly string[];
}

/** Options, or what makes them of the configuration: at the start, and each time that it has changed. What is refused then is logged, and what held before holds. */
export type Live<T> = T | ((config: Config) => T);

/**
 * What calls are told apart by: `method`; `peer`: the caller's address without its port; `subject`: the claim `sub`, else the peer;
 * `metadata:x-api-key`: that of the metadata, else the peer; `target`: the service called, of calls out; `all`: nothing.
 */
export type By =
  | "all"
  | "method"
  | "peer"
  | "subject"
  | "target"
  | `metadata:${string}`
  | ((call: Call) => string);

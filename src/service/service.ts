/** The user's module as the runtime sees it: an identity, methods with handlers, and what else it brings. */
import type { Broker, MessageHandler, SubscribeOptions } from "../broker/broker.ts";
import type { Claims, Method } from "../call.ts";
import type { Client } from "../client/client.ts";
import type { Config, StandardSchema } from "../config/config.ts";
import type { HealthCheck } from "../health/health.ts";
import type { Log } from "../log.ts";
import type { Layer } from "../middleware/middleware.ts";
import type { UpgradeOptions, WebSocketHandler } from "../web-socket.ts";

/** Who this instance is. */
export interface Identity {
  /** `greeter` */
  readonly name: string;
  /** @default "latest" */
  readonly version: string;
  /** `<name>-<uuid>`, unless set. */
  readonly id: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What the runtime gives to `start`, `stop` and to a worker or job. */
export interface RuntimeContext {
  readonly service: Identity;
  readonly config: Config;
  readonly client: Client;
  readonly broker: Broker;
  readonly log: Log;
  /** Aborted when the process is asked to stop. */
  readonly signal: AbortSignal;
  /** What followed `--` on the command line. */
  readonly args: readonly string[];
}

/** What a handler gets beside the request. */
export interface Context extends Omit<RuntimeContext, "args"> {
  /** The service's and the method's name as called: `greeter.Greeter`, `Hello`. */
  readonly method: { readonly service: string; readonly name: string };
  /** Of the request: lower-case keys; `-bin` values are base64. */
  readonly metadata: Headers;
  /** `ip:port` of the caller. */
  readonly peer: string | undefined;
  /** Of the caller's token, where the middleware `jwt` let it pass. Nobody else can say them. */
  readonly claims: Claims | undefined;
  /** Aborted on cancel, deadline and forced shutdown. */
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly deadline: number | undefined;
  /** Metadata to send before the first message of the reply. */
  readonly header: Headers;
  /** Metadata to send after the last message of the reply. */
  readonly trailer: Headers;
}

/** `(request, context) => reply`; a stream is an `AsyncIterable` on either side. */
// biome-ignore lint/suspicious/noExplicitAny: the user's own message types go here
export type Handler = (request: any, context: Context) => unknown;

/** Services by name, methods by name: `{ Greeter: { Hello: handler } }`. */
export type Handlers = Readonly<Record<string, Readonly<Record<string, Handler>>>>;

/** What a web module's `fetch` gets as its second argument (Hono's `c.env`). */
export interface WebContext extends RuntimeContext {
  /** As in `Context`. */
  readonly claims: Claims | undefined;
  /** As Deno's `info.remoteAddr`. */
  readonly remoteAddr: { readonly transport: "tcp"; readonly hostname: string; readonly port: number };
  /**
   * As Bun's `server.upgrade`: makes the request's connection a WebSocket, which the module's `websocket` hears of. What `fetch`
   * returns counts no more then. False: the request asked for none, or it came over HTTP/2.
   */
  readonly upgrade: (request: Request, options?: UpgradeOptions) => boolean;
  /** As Bun's `server.requestIP`. */
  readonly requestIP: (request: Request) => { address: string; port: number; family: "IPv4" | "IPv6" } | null;
}

// biome-ignore lint/suspicious/noExplicitAny: apps made for Bun, Deno or Hono have their own second argument
export type WebFetch = (request: Request, context: any) => Response | Promise<Response>;

/** Marks what `service({…})` returned, so that it is never taken for an object of services. */
export const definitionMark: unique symbol = Symbol.for("microrun.definition") as never;

/** A handler of messages, and how it wants them. */
export interface Subscription extends Omit<SubscribeOptions, "queue"> {
  readonly handler: MessageHandler;
  /** False: every instance gets every message. @default the service's name */
  readonly queue?: string | false;
}

/** What a module exports, whichever of its forms it took. */
export interface Definition {
  /** @default the file's stem */
  readonly name?: string;
  /** @default "latest" */
  readonly version?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Paths of `.proto` files, relative to the module. @default the `.proto` of the same stem, if there is one */
  readonly proto?: string | readonly string[];
  readonly handlers?: Handlers;
  readonly fetch?: WebFetch;
  /** Around each call of the handlers, and around `fetch` as far as one is made for that; the first is the outermost. */
  readonly middleware?: readonly Layer[];
  /** Around each call that `client` makes, its retries inside; the first is the outermost. */
  readonly clientMiddleware?: readonly Layer[];
  /** What hears of the WebSockets that `fetch` upgrades, as Bun.serve takes it. */
  readonly websocket?: WebSocketHandler;
  /** What the configuration must fit, by zod, valibot, arktype or another of standardschema.dev: at the start, and to be taken later. */
  readonly config?: StandardSchema;
  /** Handlers by topic. The instances of a service share each topic's messages, unless `queue` says otherwise. */
  readonly subscribe?: Readonly<Record<string, MessageHandler | Subscription>>;
  /** One check, or several by name. They decide readiness. */
  readonly health?: HealthCheck | Readonly<Record<string, HealthCheck>>;
  /** Before the port opens. Bounded by `--start_timeout`. */
  readonly start?: (context: RuntimeContext) => unknown;
  /** After the last call. Bounded by `--drain_timeout`. */
  readonly stop?: (context: RuntimeContext) => unknown;
  /** A worker or job: the process ends when it returns. */
  readonly job?: (context: RuntimeContext) => unknown;
}

/** One file of a schema as server reflection gives it. */
export interface FileDescriptor {
  /** Import path: `greeter.proto`, `google/protobuf/timestamp.proto`. */
  readonly name: string;
  readonly dependencies: readonly string[];
  /** Full names of the services, messages, enums, methods, fields and extensions it defines. */
  readonly symbols: readonly string[];
  /** A serialized google.protobuf.FileDescriptorProto. */
  readonly bytes: Uint8Array;
}

/** What one or more `.proto` files say. */
export interface Schema {
  /** Methods by full service name. */
  readonly services: ReadonlyMap<string, readonly Method[]>;
  /** All files, imported ones too. Computed when first asked for. */
  readonly files: () => readonly FileDescriptor[];
  /** What the files say beside a service or method, by its full name: `greeter.Greeter.Hello`. @default nothing */
  readonly comment?: (name: string) => string | undefined;
}

/** A method and what answers it. Without a handler it is known and `unimplemented`. */
export interface Endpoint {
  readonly method: Method;
  readonly handler: Handler | undefined;
  /** Of the runtime itself (health, reflection, Debug): not registered as the service's own. */
  readonly internal: boolean;
}

export interface Service extends Identity {
  readonly endpoints: readonly Endpoint[];
  /**
   * Finds a method by the names on the wire: exactly, else by the text after the service's last dot, so that
   * `/greeter.Greeter/Hello`, `/pb.Greeter/Hello` and `/.Greeter/Hello` all reach `Greeter.Hello` (Go Micro's servers' rule).
   */
  find(service: string, method: string): Endpoint | undefined;
  /** A service of this name is known, by the same rule. */
  has(service: string): boolean;
  /** The schemas behind the endpoints, for reflection. */
  readonly schemas: readonly Schema[];
}

/** Calls to other services by name. */
import type { Method } from "../call.ts";

export interface CallOptions {
  /** @default --client_request_timeout, never beyond the caller's own deadline */
  timeoutMs?: number;
  metadata?: Record<string, string>;
  signal?: AbortSignal;
  /** Calls this `host:port` instead of asking the selector. */
  address?: string;
  /** Only instances of this version. @default any */
  version?: string;
  /** Only instances whose metadata in the registry have these values: `{ region: "eu" }`. @default any */
  where?: Record<string, string>;
  /** It may be made again after it reached an instance that failed. @default what the `.proto` says (`idempotency_level`) */
  idempotent?: boolean;
  /**
   * How the messages travel.
   * @default protobuf, where a `.proto` of the module has the method; else JSON (`application/grpc+json`)
   */
  type?: Method;
}

export interface Client {
  /**
   * One request, one reply: `call("greeter", "Greeter.Hello", { name: "John" })`.
   * @param endpoint `Service.Method`, or a full path's `package.Service.Method`
   * @param request as JSON has it, whatever travels; an async iterable where the client streams
   * @returns the reply as JSON has it: 64-bit integers and bytes are strings
   * @throws MicrorunError
   */
  // biome-ignore lint/suspicious/noExplicitAny: the caller names the type it expects
  call<T = any>(service: string, endpoint: string, request?: unknown, options?: CallOptions): Promise<T>;
  /** A stream of replies to one request, or to a stream of them. The call is made when it is first read; leaving it cancels the call. */
  // biome-ignore lint/suspicious/noExplicitAny: the caller names the type it expects
  stream<T = any>(
    service: string,
    endpoint: string,
    request?: unknown,
    options?: CallOptions,
  ): AsyncIterable<T>;
}

/** What calls of a script use in place of the settings of this run. */
export interface ConnectOptions {
  /** All calls go to this `host:port`. @default an instance that the selector picks */
  address?: string;
  /** @default --selector */
  selector?: string;
  /** @default --registry */
  registry?: string;
  /** @default --client_request_timeout */
  timeoutMs?: number;
  /** @default --client_retries */
  retries?: number;
  /** Told to services as the caller's name. @default the name of this service */
  from?: string;
  /** `.proto` files of services called, relative to the current folder. @default those of the module */
  proto?: string | readonly string[];
}

/** Disposing it cancels its calls and closes its connections. */
export interface ConnectedClient extends Client, AsyncDisposable {}

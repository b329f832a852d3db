/** Calls to other services by name. */
import type { Method } from "../call.ts";

export interface CallOptions {
  /** @default --client_request_timeout, never beyond the caller's own deadline */
  timeoutMs?: number;
  metadata?: Record<string, string>;
  signal?: AbortSignal;
  /** Calls this `host:port` instead of asking the selector. */
  address?: string;
  /** How the messages travel. @default JSON (`application/grpc+json`), unary */
  type?: Method;
}

export interface Client {
  /**
   * One request, one reply: `call("greeter", "Greeter.Hello", { name: "John" })`.
   * @param endpoint `Service.Method`, or a full path's `package.Service.Method`
   * @throws MicrorunError
   */
  // biome-ignore lint/suspicious/noExplicitAny: the caller names the type it expects
  call<T = any>(service: string, endpoint: string, request?: unknown, options?: CallOptions): Promise<T>;
  /** A stream of replies to one request, or to a stream of them. */
  // biome-ignore lint/suspicious/noExplicitAny: the caller names the type it expects
  stream<T = any>(
    service: string,
    endpoint: string,
    request?: unknown,
    options?: CallOptions,
  ): AsyncIterable<T>;
}

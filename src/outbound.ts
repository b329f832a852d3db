/** Calls to other services: how they are found, reached and balanced, as the settings say. */

import type { Middleware } from "./call.ts";
import { createRetryBudget } from "./client/budget.ts";
import { createClients, type Origin } from "./client/calls.ts";
import type { Client } from "./client/client.ts";
import { createForward, type Forward } from "./client/forward.ts";
import type { Methods } from "./client/methods.ts";
import { createPool } from "./client/pool.ts";
import type { Log } from "./log.ts";
import { certificates, choose, registries, selectors, transports } from "./plugins.ts";
import type { Registry } from "./registry/registry.ts";
import type { Selector } from "./selector/selector.ts";
import type { ClientSettings, MeshSettings } from "./settings.ts";
import type { Tls, Transport } from "./transport/transport.ts";

export interface OutboundOptions {
  readonly mesh: MeshSettings;
  readonly client: ClientSettings;
  /** How long a call may take that says nothing itself, asked at each. */
  readonly requestTimeoutMs: () => number;
  /** A name in plugins.ts. */
  readonly transport: string;
  readonly maxMessageBytes: number;
  /** What is held for peers. @default a share of the memory that there is */
  readonly maxBufferBytes?: number;
  /** How many processes share that memory. @default 1 */
  readonly processes?: number;
  /** This service's own name, told as `micro-from-service`. */
  readonly from: string;
  /** The methods of known `.proto` files. @default none */
  readonly methods?: Methods;
  /** Around each call. @default none */
  readonly middleware?: Middleware | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
}

/** Disposing it closes the connections, then what watches the registry. */
export interface Outbound extends AsyncDisposable {
  readonly transport: Transport;
  readonly registry: Registry;
  readonly selector: Selector;
  /** @param origin the call being served, whose metadata and deadline go on. @default nothing to carry on */
  client(origin?: Origin): Client;
  readonly forward: Forward;
}

/** @throws MicrorunError `invalid_argument` for settings that cannot hold */
export async function openOutbound(options: OutboundOptions): Promise<Outbound> {
  const { mesh, client, from, maxMessageBytes, log } = options;
  await using opened = new AsyncDisposableStack();
  const transport = await choose(transports, "transport", options.transport, options);
  const registry = opened.use(await choose(registries, "registry", mesh.registry, options));
  const selector = opened.use(await choose(selectors, "selector", mesh.selector, { ...options, registry }));
  const { keepaliveMs, keepaliveTimeoutMs, gzip, tlsFiles: files } = client;
  let { tls } = client;
  if (files !== undefined && tls !== undefined) {
    const { followTls } = await certificates.renewal();
    const take = (next: Partial<Tls>): void => {
      tls = next;
    };
    opened.use(followTls({ files, prefix: "client_tls", first: tls, take, log }));
  }
  const connect = {
    ...{ maxMessageBytes, keepaliveMs, keepaliveTimeoutMs, gzip },
    get tls() {
      return tls;
    },
  };
  const pool = opened.use(createPool(transport, { size: client.poolSize, ttlMs: client.poolTtlMs, connect }));
  const methods = options.methods === undefined ? {} : { methods: options.methods };
  const middleware = options.middleware === undefined ? {} : { middleware: options.middleware };
  const calls = {
    selector,
    pool,
    from,
    get requestTimeoutMs() {
      return options.requestTimeoutMs();
    },
    retries: client.retries,
    budget: createRetryBudget(),
    ...methods,
    ...middleware,
  };
  const stack = opened.move();
  return {
    transport,
    registry,
    selector,
    client: createClients(calls),
    forward: createForward(calls),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Calls to other services: how they are found, reached and balanced, as the settings say. */

import { createRetryBudget } from "./client/budget.ts";
import { createClient, type Origin } from "./client/calls.ts";
import type { Client } from "./client/client.ts";
import type { Methods } from "./client/methods.ts";
import { createPool } from "./client/pool.ts";
import type { Log } from "./log.ts";
import { choose, registries, selectors, transports } from "./plugins.ts";
import type { Registry } from "./registry/registry.ts";
import type { Selector } from "./selector/selector.ts";
import type { ClientSettings, MeshSettings } from "./settings.ts";
import type { Transport } from "./transport/transport.ts";

export interface OutboundOptions {
  readonly mesh: MeshSettings;
  readonly client: ClientSettings;
  /** How long a call may take that says nothing itself, asked at each. */
  readonly requestTimeoutMs: () => number;
  /** A name in plugins.ts. */
  readonly transport: string;
  readonly maxMessageBytes: number;
  /** This service's own name, told as `micro-from-service`. */
  readonly from: string;
  /** The methods of known `.proto` files. @default none */
  readonly methods?: Methods;
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
}

/** @throws MicrorunError `invalid_argument` for settings that cannot hold */
export async function openOutbound(options: OutboundOptions): Promise<Outbound> {
  const { mesh, client, from, maxMessageBytes } = options;
  await using opened = new AsyncDisposableStack();
  const transport = await choose(transports, "transport", options.transport, options);
  const registry = opened.use(await choose(registries, "registry", mesh.registry, options));
  const selector = opened.use(await choose(selectors, "selector", mesh.selector, { ...options, registry }));
  const connect = { maxMessageBytes, ...(client.tls === undefined ? {} : { tls: client.tls }) };
  const pool = opened.use(createPool(transport, { size: client.poolSize, ttlMs: client.poolTtlMs, connect }));
  const methods = options.methods === undefined ? {} : { methods: options.methods };
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
  };
  const stack = opened.move();
  return {
    transport,
    registry,
    selector,
    client: (origin) => createClient(calls, origin),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

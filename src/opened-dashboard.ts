/** The dashboard on a port of its own, over a registry and a client that are open already. */
import type { Client } from "./client/client.ts";
import type { Dashboard } from "./dashboard/dashboard.ts";
import type { Log } from "./log.ts";
import { dashboard, grpc, http } from "./plugins.ts";
import type { Registry } from "./registry/registry.ts";
import type { Runtime } from "./runtime/runtime.ts";

export interface OpenDashboardOptions {
  readonly registry: Registry;
  /** Calls by this registry's names, and to instances by their addresses. */
  readonly client: Client;
  /** `127.0.0.1:8082`; beyond this machine a token is demanded. */
  readonly address: string;
  /** @default on loopback none, else one that is made up */
  readonly token?: string;
  readonly host: Runtime;
  readonly log: Log;
}

/** Until pages that are open have heard of the end, in ms. */
const drainTimeoutMs = 1000;

/** @throws MicrorunError `invalid_argument`, and as a server that cannot listen */
export async function openDashboard({ host, ...options }: OpenDashboardOptions): Promise<Dashboard> {
  const { openDashboard: open } = await dashboard.board();
  const { builtinMethods } = await grpc.builtin();
  const { reflectedMethods } = await grpc.reflected();
  const { serveHttp } = await http.server();
  return open({
    ...options,
    builtin: builtinMethods(),
    reflect: reflectedMethods,
    listen: (address, fetch) => serveHttp({ address, fetch, host, drainTimeoutMs, log: options.log }),
  });
}

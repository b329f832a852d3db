/** Brokers on HTTP as a service has them, each with a port of its own on loopback. */
import type { OpenBroker } from "../src/broker/broker.ts";
import { type HttpBrokerOptions, httpBroker } from "../src/broker/http.ts";
import type { Fetch } from "../src/call.ts";
import { silentLog } from "../src/log.ts";
import { serveWithBun } from "../src/runtime/bun-server.ts";

export function openHttpBroker(
  options: Pick<HttpBrokerOptions, "registry"> & Partial<HttpBrokerOptions>,
): OpenBroker {
  return httpBroker({
    maxMessageBytes: 4 * 1024 * 1024,
    drainTimeoutMs: 2000,
    log: silentLog,
    advertise: (listening) => listening,
    listen: listenOnLoopback,
    ...options,
  });
}

export async function listenOnLoopback(fetch: Fetch): Promise<AsyncDisposable & { address: string }> {
  const server = await serveWithBun({ address: "127.0.0.1:0", fetch });
  return { address: server.address, [Symbol.asyncDispose]: async () => server.kill() };
}

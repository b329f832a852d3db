/** HTTP/1.1 on a port of its own on our sockets, for hosts without a server of their own. */
import type { Sockets } from "../h2/h2.ts";
import { silentLog } from "../log.ts";
import type { HostServer, ServeOptions } from "../runtime/runtime.ts";
import { maxTimerMs } from "../wait.ts";
import type { WebOptions } from "./h1.ts";
import { createWeb } from "./web.ts";

const protocols = ["http/1.1"];

export function serveWithSockets(
  sockets: Sockets,
  more: Partial<WebOptions> = {},
): (options: ServeOptions) => Promise<HostServer> {
  return async ({ address, tls, fetch, websocket, shared = false }) => {
    // whoever asked for the port says how long a stop may take, and then kills it
    const web = createWeb({ log: silentLog, websocket, ...more, fetch, drainTimeoutMs: maxTimerMs });
    const open: Parameters<Sockets["listen"]>[0]["open"] = (socket) => web.accept(socket, tls !== undefined);
    const listener = await sockets.listen({ address, tls, protocols, shared, open });
    return {
      address: listener.address,
      renew: listener.renew,
      async stop() {
        await listener[Symbol.asyncDispose]();
        await web[Symbol.asyncDispose]();
      },
      kill: web.cut,
    };
  };
}

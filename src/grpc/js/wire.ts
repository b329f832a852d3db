/** The wire of a server on grpc-js: a port of node:net, the engine, and node's HTTP/2 streams for the web. */

import { openPort } from "../port.ts";
import { serveWebStream } from "../web-stream.ts";
import type { WireOptions, WireServer } from "../wire.ts";
import { createEngine } from "./engine.ts";
import { refuseStream } from "./leave.ts";
import { carryNodeSocket } from "./node-socket.ts";

/** RST_STREAM's CANCEL */
const resetCancel = 8;

export async function openJsWire(options: WireOptions): Promise<WireServer> {
  const { address, tls, shared, limits, full, maxMessageBytes, web, log, readHead, call, request } = options;
  const engine = createEngine({
    maxMessageBytes,
    limits,
    full,
    readHead,
    call,
    other(stream, headers, peer) {
      const ended = web && request(() => stream.close(resetCancel));
      if (web === undefined || ended === undefined) {
        if (web !== undefined) return refuseStream(stream);
        stream.on("error", () => {});
        stream.respond({ ":status": 415 }, { endStream: true });
        return;
      }
      const secure = tls !== undefined;
      void serveWebStream(stream, headers, { fetch: web.fetch, peer, secure, log }).then(ended);
    },
  });
  const port = await openPort({
    address,
    tls,
    shared,
    maxConnections: limits.maxConnections,
    http2: engine.accept,
    other: web && ((socket) => carryNodeSocket(socket, (open) => web.accept(open, tls !== undefined))),
  });
  return {
    address: port.address,
    renew: port.renew,
    close: port.close,
    leave: engine.leave,
    closed: engine.closed,
    cut: port.cut,
  };
}

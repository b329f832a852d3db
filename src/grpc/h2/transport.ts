/** The transport that speaks gRPC on our own HTTP/2 engine. */
import { createDeadlines } from "../../deadlines.ts";
import type { Transport } from "../../transport/transport.ts";
import { createAbortWatch } from "../abort-watch.ts";
import { serveGrpc } from "../server.ts";
import { connectH2 } from "./connection.ts";
import { type Http2, openH2Wire } from "./wire.ts";

export function h2Transport(http2: Http2): Transport {
  const open = openH2Wire(http2);
  const shared = { deadlines: createDeadlines(), aborts: createAbortWatch() };
  return {
    // others are told what is spoken, not what speaks it
    name: "grpc",
    listen: (...listening) => serveGrpc(open, ...listening),
    connect: (...connecting) => connectH2(http2, shared, ...connecting),
  };
}

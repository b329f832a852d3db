/** The transport that speaks gRPC on grpc-js. */
import type { Transport } from "../../transport/transport.ts";
import { createAbortWatch } from "../abort-watch.ts";
import { serveGrpc } from "../server.ts";
import { connectGrpc } from "./connection.ts";
import { openJsWire } from "./wire.ts";

export function grpcJsTransport(): Transport {
  const aborts = createAbortWatch();
  return {
    name: "grpc",
    listen: (...listening) => serveGrpc(openJsWire, ...listening),
    connect: (...connecting) => connectGrpc(aborts, ...connecting),
  };
}

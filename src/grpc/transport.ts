/** The transport that speaks gRPC. */
import type { Transport } from "../transport/transport.ts";
import { connectGrpc } from "./connection.ts";
import { serveGrpc } from "./server.ts";

export function grpcTransport(): Transport {
  return { name: "grpc", listen: serveGrpc, connect: connectGrpc };
}

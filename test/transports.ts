/** The transports that speak gRPC, for suites that hold for each of them. */
import { h2Transport } from "../src/grpc/h2/transport.ts";
import { grpcJsTransport } from "../src/grpc/js/transport.ts";
import { bunSockets } from "../src/h2/bun-sockets.ts";
import { http2Engine } from "../src/h2/engine.ts";
import type { Engine } from "../src/h2/h2.ts";
import type { Transport } from "../src/transport/transport.ts";

/** Our own engine, and what it found wrong with itself. */
export interface OwnTransport {
  readonly transport: Transport;
  readonly engine: Engine;
  readonly faults: unknown[];
}

export function ownTransport(): OwnTransport {
  const faults: unknown[] = [];
  const engine = http2Engine({ fault: (error) => faults.push(error) });
  return { engine, faults, transport: h2Transport({ engine, sockets: bunSockets() }) };
}

/** By what speaks HTTP/2. */
export const transports: readonly (readonly [name: string, transport: Transport])[] = [
  ["grpc-js", grpcJsTransport()],
  ["our own engine", ownTransport().transport],
];

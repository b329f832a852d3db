/** What a served module is announced as: itself, where it answers, and Go Micro's words for what it speaks. */
import type { Identity, Service } from "../service/service.ts";
import { advertisedAddress, reachOf } from "./advertise.ts";
import { describeEndpoints } from "./describe.ts";
import type { Instance } from "./registry.ts";

export interface Served {
  readonly identity: Identity;
  readonly service: Service;
  /** Topics. */
  readonly subscriptions: readonly string[];
  readonly grpcAddress: string;
  readonly httpAddress: string;
  /** What others shall use for gRPC in place of `grpcAddress`. */
  readonly advertise: string | undefined;
  /** Names of what serves it: `kubernetes`, `grpc`, `memory`. */
  readonly registry: string;
  readonly transport: string;
  readonly broker: string;
}

export function ownInstance(served: Served): Instance {
  const { identity, registry, transport, broker } = served;
  const reach = reachOf(registry);
  const address = advertisedAddress(served.advertise ?? served.grpcAddress, reach);
  const http = advertisedAddress(served.httpAddress, reach);
  return {
    id: identity.id,
    service: identity.name,
    version: identity.version,
    address,
    metadata: { broker, protocol: "grpc", registry, server: "grpc", transport, ...identity.metadata },
    ...(served.httpAddress === served.grpcAddress ? {} : { protocols: { grpc: address, http } }),
    endpoints: describeEndpoints(served.service, served.subscriptions),
  };
}

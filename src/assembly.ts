/** The service that is served: the user's endpoints, and those that every instance has. */
import type { HealthChecks } from "./health/checks.ts";
import type { Inspection } from "./inspection.ts";
import type { LogSink } from "./log.ts";
import { grpc } from "./plugins.ts";
import type { Registry } from "./registry/registry.ts";
import { bindHandlers, composeService } from "./service/compose.ts";
import type { Definition, Identity, Schema, Service } from "./service/service.ts";
import type { Stats } from "./service/stats.ts";

export interface Surroundings {
  readonly health: HealthChecks;
  readonly stats: Stats;
  readonly log: LogSink;
  readonly registry: Registry;
  /** Undefined: nobody may look into this instance. */
  readonly seen: Inspection | undefined;
}

/** The user's endpoints first: where names clash, theirs are found. @throws MicrorunError as `bindHandlers` */
export async function assemble(
  identity: Identity,
  definition: Definition,
  schema: Schema | undefined,
  { health, stats, log, registry, seen }: Surroundings,
): Promise<Service> {
  const own = bindHandlers(definition.handlers ?? {}, schema);
  const names = [...new Set(own.endpoints.map(({ method }) => method.service))];
  const { healthPart } = await grpc.health();
  const { reflectionPart } = await grpc.reflection();
  const { debugPart } = await grpc.debug();
  const service: Service = composeService(identity, [
    own,
    healthPart(health, [identity.name, ...names]),
    reflectionPart(() => service),
    debugPart({ health, stats, log, staleSince: () => registry.staleSince?.() }),
    ...(seen === undefined ? [] : [await seen.part(() => service)]),
  ]);
  return service;
}

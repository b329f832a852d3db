/** From services to the processes that run them, in an order in which each comes after those that it depends on. */
import { didYouMean, usageError } from "../errors.ts";
import type { Instance, ServicePlan } from "./dev.ts";
import { ownPorts } from "./own-ports.ts";

/**
 * @param only names of the services that are wanted; what they depend on comes along. @default all
 * @throws MicrorunError `invalid_argument` for a circle, and for a name that is none
 */
export function instancesOf(services: readonly ServicePlan[], only: readonly string[] = []): Instance[] {
  const byName = new Map(services.map((service) => [service.name, service]));
  const unknown = only.find((name) => !byName.has(name));
  if (unknown !== undefined)
    throw usageError(
      `--only=${unknown}: no such service${didYouMean(unknown, [...byName.keys()])}`,
      `use some of ${[...byName.keys()].join(", ")}`,
    );
  const ordered = new Set<ServicePlan>();
  const visit = (name: string, trail: readonly string[]): void => {
    const service = byName.get(name);
    if (service === undefined || ordered.has(service)) return;
    if (trail.includes(name)) {
      const circle = [...trail.slice(trail.indexOf(name)), name].join(" → ");
      throw usageError(`services depend on each other: ${circle}`, "take one of these out of its dependsOn");
    }
    for (const other of service.dependsOn) visit(other, [...trail, name]);
    ordered.add(service);
  };
  for (const { name } of services) if (only.length === 0 || only.includes(name)) visit(name, []);
  return [...ordered].flatMap((plan) =>
    labelsOf(plan).map((label, i) => ({
      label,
      plan,
      after: plan.dependsOn.flatMap((name) => labelsOf(byName.get(name)!)),
      // 0 is any, for each
      port: plan.port && plan.port + i,
      own: ownPorts(plan),
    })),
  );
}

function labelsOf({ name, replicas }: ServicePlan): string[] {
  return replicas === 1 ? [name] : Array.from({ length: replicas }, (_, i) => `${name}#${i + 1}`);
}

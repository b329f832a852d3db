/** What can be called of a service: by reflection, by what its runtime tells, else by what the registry lists. */
import { jsonMethod, type Method } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import type { Instance } from "../registry/registry.ts";
import { ownServices, type Peers } from "./peers.ts";

export interface CallableEndpoint {
  /** `greeter.Greeter/Hello` */
  readonly path: string;
  readonly method: Method;
}

export interface Endpoints {
  /** @param instances all of one service */
  of(instances: readonly Instance[]): Promise<readonly CallableEndpoint[]>;
}

/** How long an answer holds, in ms: a new version may say something else. */
const ttlMs = 5000;
/** Services remembered. */
const maxKnown = 200;
/** Instances asked until one answers. */
const maxAsked = 3;

export function createEndpoints(peers: Peers): Endpoints {
  const known = new Map<string, { readonly at: number; readonly found: Promise<CallableEndpoint[]> }>();
  return {
    of(instances) {
      const name = instances[0]?.service ?? "";
      const last = known.get(name);
      if (last !== undefined && Date.now() - last.at < ttlMs) return last.found;
      const found = ask(instances, peers);
      if (known.size >= maxKnown) known.clear();
      known.set(name, { at: Date.now(), found });
      return found;
    },
  };
}

async function ask(instances: readonly Instance[], peers: Peers): Promise<CallableEndpoint[]> {
  for (const instance of instances.slice(0, maxAsked)) {
    try {
      const [reflected = [], told] = [await peers.reflect(instance), await overview(instance, peers)];
      const described = new Set(reflected.map(pathOf));
      const methods = [...reflected, ...told.filter((method) => !described.has(pathOf(method)))];
      if (methods.length > 0)
        return methods.filter(({ service }) => !ownServices.test(service)).map(callable);
    } catch {
      // another may answer
    }
  }
  return listed(instances).map(callable);
}

/** Methods without a schema are known to their runtime alone. */
async function overview(instance: Instance, peers: Peers): Promise<Method[]> {
  try {
    const { endpoints = [] } = await peers.ask(instance, {
      service: "microrun.inspect.v1.Inspect",
      method: "Overview",
    });
    return endpoints.map((one: Record<string, unknown>) =>
      jsonMethod(String(one.service), String(one.method), {
        requestStream: one.requestStream === true,
        responseStream: one.responseStream === true,
      }),
    );
  } catch (error) {
    if (MicrorunError.from(error).code === "unavailable") throw error;
    return [];
  }
}

/** Whether the request or the reply streams is not told: a reply that does not is a stream of one. */
function listed(instances: readonly Instance[]): Method[] {
  const names = new Map(
    instances.flatMap(({ endpoints = [] }) =>
      endpoints.filter(({ metadata }) => metadata.subscriber === undefined).map((one) => [one.name, one]),
    ),
  );
  const service = instances[0]?.service ?? "";
  return [...names.values()].flatMap(({ name, metadata }) => {
    const dot = name.lastIndexOf(".");
    if (dot < 1) return [];
    const owner = name.slice(0, dot);
    const full = owner.includes(".") ? owner : `${service}.${owner}`;
    return jsonMethod(full, name.slice(dot + 1), { responseStream: metadata.stream === "true" });
  });
}

function pathOf({ service, name }: Method): string {
  return `${service}/${name}`;
}

function callable(method: Method): CallableEndpoint {
  return { path: pathOf(method), method };
}

/** Whether the services that this one calls can be found and reached. */
import { parseAddress } from "../address.ts";
import { MicrorunError } from "../errors.ts";
import type { Cluster, Reached } from "./cluster.ts";
import { connected } from "./connection.ts";
import { type Check, type Finding, fail, ok, warn } from "./doctor.ts";

export interface Callee {
  readonly name: string;
  /** It was named by whoever asks, and not only seen in the module. */
  readonly named: boolean;
}

/** Where calls of it go: `host:port`. @throws MicrorunError where nobody knows */
export type Pick = (service: string) => Promise<string>;

/** More are seen in no honest module. */
const maxSeen = 50;

export function calleesCheck(callees: readonly Callee[], open: () => Promise<Pick>, reached: Reached): Check {
  return {
    name: "calls",
    async run(signal) {
      if (callees.length === 0) return [];
      const pick = await open();
      return Promise.all(callees.map((callee) => judgeCallee(callee, pick, reached, signal)));
    },
  };
}

async function judgeCallee(
  { name, named }: Callee,
  pick: Pick,
  reached: Reached,
  signal: AbortSignal,
): Promise<Finding> {
  const wrong = named ? fail : warn;
  let address: string;
  try {
    address = await pick(name);
  } catch (error) {
    const { message, hint } = MicrorunError.from(error);
    return wrong(message, hint ?? `start ${name}, or take its name out of --calls`);
  }
  const place = parseAddress(address);
  if (place.path !== undefined) return ok(`${name} is at ${address}`);
  const { fault } = await connected(place.host ?? "127.0.0.1", place.port, { signal });
  if (fault === undefined) return ok(`${name} answers at ${address}`);
  const cluster = await reached();
  const more = cluster === undefined ? undefined : await serviceFault(cluster, place, signal);
  return wrong(
    `${name} at ${address}: ${more?.what ?? fault}`,
    more?.todo ?? `check that ${name} runs, and listens there`,
  );
}

interface Fault {
  readonly what: string;
  readonly todo: string;
}

/** What its Kubernetes Service says, where we may read it. */
async function serviceFault(
  cluster: Cluster,
  { host = "", port }: { readonly host?: string; readonly port: number },
  signal: AbortSignal,
): Promise<Fault | undefined> {
  const [service = "", namespace = cluster.namespace] = host.split(".");
  if (/^[\d:]/.test(host) || service === "") return undefined;
  const space = `namespaces/${namespace}`;
  try {
    const object = await cluster.read(`/api/v1/${space}/services/${service}`, signal);
    const query = `?labelSelector=kubernetes.io%2Fservice-name%3D${service}`;
    const slices = await cluster
      .read(`/apis/discovery.k8s.io/v1/${space}/endpointslices${query}`, signal)
      .catch(() => undefined);
    return judgeService(object, slices, port);
  } catch (error) {
    if (MicrorunError.from(error).code !== "not_found") return undefined;
    return {
      what: `namespace ${namespace} has no Service ${service}`,
      todo: `create the Service ${service} with port ${port}, or call it by a name that is there`,
    };
  }
}

/** @param slices undefined: they cannot be read */
// biome-ignore lint/suspicious/noExplicitAny: Kubernetes objects
export function judgeService(service: any, slices: any, port: number): Fault | undefined {
  const name = service.metadata?.name;
  const ports: number[] = (service.spec?.ports ?? []).map((one: { port: number }) => one.port);
  if (service.spec?.clusterIP !== "None" && !ports.includes(port))
    return {
      what: `Service ${name} has no port ${port}, only ${ports.join(", ") || "none"}`,
      todo: `give the Service port ${port}, or set STATIC_SELECTOR_PORT_NUMBER=${ports[0] ?? port}`,
    };
  // biome-ignore lint/suspicious/noExplicitAny: Kubernetes objects
  const endpoints = slices?.items?.flatMap((slice: any) => slice.endpoints ?? []);
  // biome-ignore lint/suspicious/noExplicitAny: Kubernetes objects
  const ready = endpoints?.filter(({ conditions }: any) => conditions?.ready !== false);
  if (ready?.length === 0)
    return {
      what: `Service ${name} has no ready endpoint of ${endpoints.length}`,
      todo: "check that its selector matches Pods, and that these are Ready",
    };
  return undefined;
}

/** Names that are written where a module makes calls: as far as its text says. */
export function calleesIn(text: string): string[] {
  const calls = text.matchAll(/\bclient\s*\.\s*(?:call|stream)\s*\(\s*["'`]([\w.:-]+)["'`]\s*,/g);
  return [...new Set([...calls].map(([, name]) => name!))].slice(0, maxSeen);
}

/** What Pods and EndpointSlices tell, put together: a Pod that both know is one instance. */
import type { Instance } from "../../registry/registry.ts";
import type { FoundPod } from "./pods.ts";
import type { Endpoint, FoundSlice } from "./slices.ts";

export interface Found {
  /** Those that bear the name, a Service's or a registered one. @param namespace @default any */
  named(name: string, namespace?: string): readonly Instance[];
  /** A Pod that registers `go.micro.srv.greeter` is not that again through its Service `go-micro-srv-greeter`. */
  all(): readonly Instance[];
  /** The zone of the endpoint that is this Pod. */
  zoneOf(pod: {
    readonly name: string;
    readonly namespace: string;
    readonly ip?: string;
  }): string | undefined;
}

interface PodInstance {
  readonly pod: FoundPod;
  readonly instance: Instance;
}

/** Arranges what was read by name; nothing is read again. */
export function arrange(pods: ReadonlyMap<string, FoundPod>, slices: ReadonlyMap<string, FoundSlice>): Found {
  const registered = new Map<string, PodInstance[]>();
  const endpoints = new Map<string, Endpoint[]>();
  const ofPod = new Map<string, Endpoint[]>();
  let zonesByHost: ReadonlyMap<string, string | undefined> | undefined;
  for (const pod of pods.values()) {
    for (const instance of pod.instances) add(registered, instance.service, { pod, instance });
  }
  for (const slice of slices.values()) {
    for (const endpoint of slice.endpoints) {
      add(endpoints, slice.service, endpoint);
      if (endpoint.pod !== undefined) add(ofPod, endpoint.pod, endpoint);
    }
  }

  const named = (name: string, namespace?: string): readonly Instance[] => {
    const here = (instance: Instance): boolean => namespace === undefined || instance.namespace === namespace;
    const told = (registered.get(name) ?? []).filter(({ instance }) => here(instance));
    const covered = new Set(told.map(({ pod }) => pod.key));
    const known = told.flatMap(({ pod, instance }) => placed(instance, pod, ofPod.get(pod.key) ?? []));
    const others = (endpoints.get(name) ?? []).filter(
      ({ pod, instance }) => here(instance) && (pod === undefined || !covered.has(pod)),
    );
    const ready = others.filter(
      ({ pod, ready }) => ready && (pod === undefined || pods.get(pod)?.available !== false),
    );
    const found = [...known, ...single(ready)];
    if (found.length > 0) return found.sort(byId);
    // as kube-proxy: who still answers while it ends is better than nobody
    const last = others.filter(
      ({ pod, draining }) => draining && (pod === undefined || pods.get(pod)?.serving !== false),
    );
    return single(last).sort(byId);
  };

  return {
    named,
    all: () => {
      const twice = new Set(
        [...registered].flatMap(([name, told]) => told.map(({ pod }) => `${serviceNameOf(name)} ${pod.key}`)),
      );
      return [...new Set([...registered.keys(), ...endpoints.keys()])]
        .sort()
        .flatMap((name) =>
          named(name).filter(
            ({ id, namespace }) => registered.has(name) || !twice.has(`${name} ${namespace}/${id}`),
          ),
        );
    },
    zoneOf({ name, namespace, ip }) {
      const mine = ofPod.get(`${namespace}/${name}`)?.find(({ instance }) => instance.zone !== undefined);
      if (mine !== undefined || ip === undefined) return mine?.instance.zone;
      zonesByHost ??= new Map(
        [...endpoints.values()].flat().map(({ host, instance: { zone } }) => [host, zone] as const),
      );
      return zonesByHost.get(ip);
    },
  };
}

/** With the zone and hints that slices know; nothing where they know already that the Pod is going, or not ready. */
function placed(instance: Instance, pod: FoundPod, seen: readonly Endpoint[]): Instance[] {
  if (seen.some(({ terminating }) => terminating)) return [];
  if (seen.length > 0 && !seen.some(({ ready }) => ready)) return [];
  const hinted = seen.find(({ instance: { forZones } }) => forZones !== undefined) ?? seen[0];
  const zone = hinted?.instance.zone ?? pod.zone;
  const forZones = hinted?.instance.forZones;
  if (zone === undefined && forZones === undefined) return [instance];
  return [
    { ...instance, ...(zone === undefined ? {} : { zone }), ...(forZones === undefined ? {} : { forZones }) },
  ];
}

/** A Pod with addresses of both families, or in two slices for a moment, is one. */
function single(endpoints: readonly Endpoint[]): Instance[] {
  const known = new Map<string, Endpoint>();
  for (const endpoint of endpoints) {
    const key = endpoint.pod ?? `${endpoint.instance.namespace} ${endpoint.instance.id}`;
    const before = known.get(key);
    if (before === undefined || (before.family !== "IPv4" && endpoint.family === "IPv4"))
      known.set(key, endpoint);
  }
  return [...known.values()].map(({ instance }) => instance);
}

/** As a Service can bear it. */
function serviceNameOf(service: string): string {
  return service.toLowerCase().replace(/[._]/g, "-");
}

function byId(a: Instance, b: Instance): number {
  return order(a.namespace ?? "", b.namespace ?? "") || order(a.id, b.id) || order(a.address, b.address);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function add<T>(groups: Map<string, T[]>, name: string, item: T): void {
  const group = groups.get(name);
  if (group === undefined) groups.set(name, [item]);
  else group.push(item);
}

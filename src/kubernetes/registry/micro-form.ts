/** Go Micro's Kubernetes plugin on a Pod: one label and one annotation for each service; v2's JSON written, v1's read too. */
import type { Instance, InstanceEndpoint } from "../../registry/registry.ts";
import { checkMicroName, microName } from "../names.ts";
import {
  type Fields,
  goJson,
  listOf,
  objectOf,
  readObject,
  shapeOf,
  sorted,
  textOf,
  textsOf,
} from "./annotation.ts";
import type { Broken, Form, PodPatch, PodText, Share } from "./form.ts";
import { checkHostPort, hostPort, splitHostPort } from "./host-port.ts";

const annotationPrefix = "micro.mu/service-";

const labelOf = (service: string): string => `micro.mu/selector-${microName(service)}`;
const annotationOf = (service: string): string => `${annotationPrefix}${microName(service)}`;

export const microForm: Form = {
  room: "one service of each name, once what a label cannot hold is written as _",
  check({ service, address }) {
    checkMicroName(service);
    checkHostPort(address);
  },
  slot: ({ service }) => microName(service),
  // Two containers of one pod that register the same service write the same annotation, and the later one stands: as with
  // Go Micro, which reads nothing before it writes. Different services have keys of their own.
  announce: (instances) => {
    const { service } = instances[0];
    return {
      labels: { [labelOf(service)]: "service", "micro.mu/type": "service" },
      annotations: { [annotationOf(service)]: goJson(serviceOf(instances)) },
    };
  },
  // `micro.mu/type` stays, as with Go Micro: its watchers miss a pod that enters their selection
  withdraw: ({ service }) => withdrawal(service),
  selector: ({ service }) => `${labelOf(service)}=service`,
  without: (pod, instance) => withoutNode(pod, instance),
  unseen: () => undefined,
  read: readPod,
};

function withdrawal(service: string): PodPatch {
  return { labels: { [labelOf(service)]: null }, annotations: { [annotationOf(service)]: null } };
}

/** The fields in the order of Go's struct. */
function serviceOf(instances: readonly [Instance, ...Instance[]]): Fields {
  const { service, version, endpoints = [] } = instances.at(-1) ?? instances[0];
  return {
    name: service,
    version,
    metadata: null,
    endpoints: endpoints.map(({ name, request, response, metadata }) => ({
      name,
      request,
      response,
      metadata: sorted(metadata),
    })),
    nodes: instances.map(({ id, address, metadata }) => ({
      id,
      address,
      metadata: sorted(metadata),
    })),
  };
}

function withoutNode(pod: PodText, { service, id }: Instance): PodPatch | undefined {
  const key = annotationOf(service);
  const text = pod.annotations[key];
  if (text === undefined) return undefined;
  const [written, nodes] = nodesOf(text);
  const others = nodes.filter((node) => (node as Fields | null)?.id !== id);
  if (others.length === nodes.length) return undefined;
  if (others.length === 0) return withdrawal(service);
  return { labels: {}, annotations: { [key]: goJson({ ...written, nodes: others }) } };
}

/** Of what cannot be read there are none. */
function nodesOf(text: string): [Fields, readonly unknown[]] {
  try {
    const written = readObject("it", text);
    return [written, listOf("nodes", written.nodes)];
  } catch {
    return [{}, []];
  }
}

function readPod(pod: PodText, broken: Broken, share: Share): readonly Instance[] {
  return Object.entries(pod.annotations).flatMap(([key, text]) => {
    if (!key.startsWith(annotationPrefix)) return [];
    const tell = (why: string): void => broken(key, why, key.slice(annotationPrefix.length));
    try {
      return readService(pod, readObject("it", text), tell, share);
    } catch (error) {
      tell((error as Error).message);
      return [];
    }
  });
}

function readService(pod: PodText, written: Fields, broken: (why: string) => void, share: Share): Instance[] {
  const service = share(textOf("name", written.name));
  if (service === "") throw new Error("name is missing");
  const common = textsOf("metadata", written.metadata);
  const endpoints = share(listOf("endpoints", written.endpoints).map(readEndpoint));
  const all = {
    service,
    version: share(textOf("version", written.version)),
    namespace: pod.namespace,
    ...(endpoints.length === 0 ? {} : { endpoints }),
  };
  return listOf("nodes", written.nodes).flatMap((value) => {
    try {
      const node = objectOf("node", value);
      const id = textOf("node.id", node.id);
      if (id === "") throw new Error("node.id is missing");
      const metadata = share({ ...common, ...textsOf("node.metadata", node.metadata) });
      return [{ ...all, id, address: addressOf(node, pod.ip), metadata }];
    } catch (error) {
      broken((error as Error).message);
      return [];
    }
  });
}

function readEndpoint(value: unknown): InstanceEndpoint {
  const { name, request, response, metadata } = objectOf("endpoint", value);
  return {
    name: textOf("endpoint.name", name),
    request: shapeOf("endpoint.request", request),
    response: shapeOf("endpoint.response", response),
    metadata: textsOf("endpoint.metadata", metadata),
  };
}

/** v1 writes a port beside a host, v2 one text of both. A host that means "all" is where the pod is. */
function addressOf({ address, port }: Fields, ip: string): string {
  const written = textOf("node.address", address);
  const whole = splitHostPort(written);
  const beside = typeof port === "number" && port > 0 ? String(port) : undefined;
  const { host, port: digits } = whole ?? { host: written.replace(/^\[|\]$/g, ""), port: beside };
  if (digits === undefined) throw new Error(`node.address ${JSON.stringify(written)} has no port`);
  const mine = host === "" || host === "::" || host === "0.0.0.0";
  if (mine && ip === "") throw new Error(`node.address ${JSON.stringify(written)} has no host`);
  return hostPort(mine ? ip : host, digits);
}

/** What is kept of an EndpointSlice: its endpoints as instances of the Service, with their state. */
import type { Instance } from "../../registry/registry.ts";
import type { Share } from "./form.ts";
import { hostPort } from "./host-port.ts";

export interface Endpoint {
  /** `namespace/name` of its Pod. */
  readonly pod: string | undefined;
  readonly host: string;
  readonly family: string;
  readonly ready: boolean;
  readonly terminating: boolean;
  /** Terminating, and still answering. */
  readonly draining: boolean;
  readonly instance: Instance;
}

export interface FoundSlice {
  /** The Service's name. */
  readonly service: string;
  readonly endpoints: readonly Endpoint[];
}

/** An EndpointSlice says nothing of versions: this is Go Micro's for a service that names none. */
const unknownVersion = "latest";

/** As far as it is read (discovery.k8s.io/v1). */
interface Slice {
  readonly metadata: { readonly namespace: string; readonly labels?: Readonly<Record<string, string>> };
  readonly addressType: string;
  readonly endpoints?: readonly SliceEndpoint[] | null;
  readonly ports?: readonly SlicePort[] | null;
}

interface SliceEndpoint {
  readonly addresses?: readonly string[];
  readonly conditions?: {
    readonly ready?: boolean | null;
    readonly serving?: boolean | null;
    readonly terminating?: boolean | null;
  };
  readonly targetRef?: { readonly kind?: string; readonly name?: string; readonly namespace?: string };
  readonly zone?: string;
  readonly hints?: { readonly forZones?: readonly { readonly name: string }[] };
}

export interface SlicePort {
  readonly name?: string | null;
  readonly port?: number | null;
  readonly protocol?: string | null;
  readonly appProtocol?: string | null;
}

/** Undefined: it belongs to no Service, or names hosts, or has no TCP port. */
// biome-ignore lint/suspicious/noExplicitAny: a Kubernetes object
export function readSlice(object: any, share: Share): FoundSlice | undefined {
  const slice = object as Slice;
  const service = slice.metadata.labels?.["kubernetes.io/service-name"];
  const ports = portsByProtocol(slice.ports ?? []);
  if (!service || slice.addressType === "FQDN" || ports.length === 0) return undefined;
  const endpoints = (slice.endpoints ?? []).flatMap((one) =>
    readEndpoint(slice, share(service), ports, one, share),
  );
  return endpoints.length === 0 ? undefined : { service: share(service), endpoints };
}

function readEndpoint(
  { metadata, addressType }: Slice,
  service: string,
  ports: readonly (readonly [string, number])[],
  { addresses, conditions = {}, targetRef, zone, hints }: SliceEndpoint,
  share: Share,
): Endpoint[] {
  // the others lead to the same place
  const host = addresses?.[0];
  if (host === undefined) return [];
  const protocols = Object.fromEntries(ports.map(([protocol, port]) => [protocol, hostPort(host, port)]));
  const address = protocols.grpc ?? protocols.http ?? Object.values(protocols)[0] ?? "";
  const namespace = share(metadata.namespace);
  const pod = targetRef?.kind === "Pod" ? targetRef.name : undefined;
  const forZones = hints?.forZones?.map(({ name }) => name) ?? [];
  const terminating = conditions.terminating === true;
  return [
    {
      pod: pod === undefined ? undefined : `${namespace}/${pod}`,
      host,
      family: addressType,
      // unknown counts as yes (KEP-752)
      ready: conditions.ready !== false && !terminating,
      terminating,
      draining: conditions.serving !== false && terminating,
      instance: {
        id: pod ?? address,
        service,
        version: unknownVersion,
        address,
        metadata: share({}),
        protocols,
        namespace,
        ...(zone === undefined ? {} : { zone: share(zone) }),
        ...(forZones.length === 0 ? {} : { forZones: share(forZones) }),
      },
    },
  ];
}

/** One port is taken to speak all that is asked of it, unless its appProtocol says what it speaks; of several, names tell. */
export function portsByProtocol(ports: readonly SlicePort[]): readonly (readonly [string, number])[] {
  const open = ports.flatMap(({ port, protocol, name, appProtocol }) =>
    port && (protocol ?? "TCP") === "TCP"
      ? [{ port, name: name ?? "", says: protocolOf(appProtocol ?? "") }]
      : [],
  );
  const [only] = open;
  if (only !== undefined && open.length === 1) {
    return only.says === undefined
      ? [
          ["grpc", only.port],
          ["http", only.port],
        ]
      : [[only.says, only.port]];
  }
  const known = new Map<string, { readonly port: number; readonly rank: number }>();
  for (const { port, name, says } of open) {
    const protocol = says ?? protocolOf(name) ?? (name.split("-", 1)[0] || "tcp");
    const rank = says === undefined ? rankOf(name, protocol) : 0;
    const before = known.get(protocol);
    if (before === undefined || rank < before.rank) known.set(protocol, { port, rank });
  }
  return [...known].map(([protocol, { port }]) => [protocol, port]);
}

/** `grpc`, `kubernetes.io/h2c`, `admin-srv-http`, `https` */
function protocolOf(text: string): string | undefined {
  // what browsers speak is another protocol
  if (/grpc-?web/i.test(text)) return "grpc-web";
  if (/grpc|h2c/i.test(text)) return "grpc";
  return /https?/i.exec(text)?.[0].toLowerCase();
}

/** How well a port's name fits its protocol; an appProtocol, which is 0, fits better than any. */
function rankOf(name: string, protocol: string): number {
  if (name === protocol) return 1;
  return name.startsWith(`${protocol}-`) || name.startsWith("h2c") ? 2 : 3;
}

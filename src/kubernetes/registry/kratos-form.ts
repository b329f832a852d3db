/** Kratos' Kubernetes registry on a Pod, and that of its fork: one service in labels, its ports in the Pod's own description. */
import type { Instance } from "../../registry/registry.ts";
import { checkLabelValue, maxLabelBytes } from "../names.ts";
import { goJson, readObject, sorted, textsOf } from "./annotation.ts";
import type { Broken, Form, PodPatch, PodText, Share } from "./form.ts";
import { checkHostPort, hostPort, splitHostPort } from "./host-port.ts";

/** @param prefix `kratos`, or `gomicro` for the fork */
export function kratosForm(prefix: "kratos" | "gomicro"): Form {
  const key = (what: string): string => `${prefix}-service-${what}`;
  const labels = (id: string, app: string, version: string): Record<string, string> => ({
    [key("id")]: idLabel(id),
    [key("app")]: app,
    [key("version")]: version,
  });
  const annotations = (metadata: string, protocols: string): Record<string, string> => ({
    [key("metadata")]: metadata,
    [key("protocols")]: protocols,
  });
  // the keys stay: Kratos' own consumers would miss a change that takes them away
  const withdraw = (): PodPatch => ({
    labels: labels("", "", ""),
    annotations: annotations("{}", "{}"),
  });

  return {
    room: "one service",
    check({ service, id, version, address, protocols }) {
      checkLabelValue("service name", service);
      checkLabelValue("service id", idLabel(id));
      if (version !== "") checkLabelValue("service version", version);
      for (const one of Object.values(protocols ?? { address })) checkHostPort(one);
    },
    // one set of labels on one pod: the instance registered last stands
    slot: () => prefix,
    announce: (instances) => {
      const instance = instances.at(-1) ?? instances[0];
      return {
        labels: labels(instance.id, instance.service, instance.version),
        annotations: annotations(goJson(sorted(instance.metadata)), goJson(sorted(schemes(instance)))),
      };
    },
    withdraw,
    selector: ({ id }) => `${key("id")}=${idLabel(id)}`,
    without: (pod, { id, service }) =>
      id !== "" && pod.labels[key("id")] === idLabel(id) && pod.labels[key("app")] === service
        ? withdraw()
        : undefined,
    unseen(pod, instance) {
      const declared = new Set(pod.ports.map(({ port }) => String(port)));
      const missing = Object.keys(schemes(instance)).filter((port) => !declared.has(port));
      return missing.length === 0 ? undefined : `port ${missing.join(", ")} is not among its containerPorts`;
    },
    read: (pod, broken, share) => readPod(pod, key, broken, share),
  };
}

/** An id ends with what makes it one, a UUID unless it was chosen: of a longer one than a label holds the end is told. */
function idLabel(id: string): string {
  return id.length <= maxLabelBytes ? id : id.slice(-maxLabelBytes).replace(/^[^A-Za-z0-9]+/, "");
}

/** Port → scheme. A port has one scheme: gRPC, where it speaks that among others. */
function schemes({ address, protocols, metadata }: Instance): Record<string, string> {
  const addresses = protocols ?? { [metadata.protocol ?? "grpc"]: address };
  const ports = new Map<string, string>();
  for (const [scheme, one] of Object.entries(addresses)) {
    const port = splitHostPort(one)?.port;
    if (port !== undefined && (scheme === "grpc" || !ports.has(port))) ports.set(port, scheme);
  }
  return Object.fromEntries(ports);
}

function readPod(
  pod: PodText,
  key: (what: string) => string,
  broken: Broken,
  share: Share,
): readonly Instance[] {
  const service = pod.labels[key("app")];
  if (!service || pod.ip === "") return [];
  const texts = (name: string): Readonly<Record<string, string>> | undefined => {
    const text = pod.annotations[key(name)] ?? "";
    if (/^(|\{\}|null|nil|\[\])$/.test(text)) return {};
    try {
      return textsOf(name, readObject("it", text));
    } catch (error) {
      broken(key(name), (error as Error).message, service);
      return undefined;
    }
  };
  const written = texts("protocols");
  const metadata = texts("metadata");
  if (written === undefined || metadata === undefined) return [];
  const protocols: Record<string, string> = {};
  for (const { name, port } of pod.ports) {
    const scheme = written[port] || name.split("-", 1)[0] || "TCP";
    protocols[scheme] ??= hostPort(pod.ip, port);
  }
  const address = protocols.grpc ?? protocols.http ?? Object.values(protocols)[0];
  // without a declared port there is nothing to call
  if (address === undefined) return [];
  return [
    {
      id: pod.labels[key("id")] || pod.name,
      service: share(service),
      version: share(pod.labels[key("version")] ?? ""),
      address,
      metadata: share(metadata),
      protocols,
      namespace: pod.namespace,
    },
  ];
}

/** The process itself has said that it is no longer to be called. */
export function isWithdrawn(labels: Readonly<Record<string, string>>): boolean {
  const said = ["kratos-service-app", "gomicro-service-app"].filter((key) => key in labels);
  return said.length > 0 && said.every((key) => labels[key] === "");
}

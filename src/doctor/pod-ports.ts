/** What a Pod's description says of the ports that the service opens. */
import type { KubernetesObject } from "./cluster.ts";
import { type Finding, fail, ok, warn } from "./doctor.ts";

/** The ports of this service. */
export interface PodPorts {
  readonly grpc: number;
  readonly http: number;
  /** Undefined: no port of its own. */
  readonly health: number | undefined;
  /** Calls come by TLS; `mutual`: from those alone who bring a certificate. */
  readonly tls: "none" | "server" | "mutual";
  /** Where probes are answered by HTTP. */
  readonly healthPaths: readonly string[];
  /** It announces itself by what stands on its Pod. */
  readonly registersOnPod: boolean;
  /** Others that register by Kratos' form read the ports from the Pod's description. */
  readonly kratosForm: boolean;
}

/** All that a run makes of its Pod. */
export interface PodFacts extends PodPorts {
  /** Its name, as this process knows it, and from where. */
  readonly name: string;
  readonly from: string;
  /** Its own name among services. */
  readonly service: string;
  readonly drainDelayMs: number;
  readonly drainTimeoutMs: number;
}

export function portNumbers({ grpc, http, health }: PodPorts): number[] {
  return [...new Set([grpc, http, ...(health === undefined ? [] : [health])])];
}

/** The container that this is: the one that declares our ports, else the first. */
export function ownContainer(pod: KubernetesObject, ports: PodPorts): KubernetesObject {
  const containers: KubernetesObject[] = pod.spec?.containers ?? [];
  const ours = portNumbers(ports);
  const declares = (container: KubernetesObject): boolean =>
    (container.ports ?? []).some(({ containerPort }: KubernetesObject) => ours.includes(containerPort));
  return containers.find(declares) ?? containers[0] ?? {};
}

/** A port by its number, or by the name that the container gives it. */
export function portNamed(container: KubernetesObject, port: unknown): number | undefined {
  if (typeof port === "number") return port;
  return (container.ports ?? []).find(({ name }: KubernetesObject) => name === port)?.containerPort;
}

/** Kubernetes itself needs none of them: Kratos' form does. */
export function judgeContainerPorts(pod: KubernetesObject, ports: PodPorts): Finding[] {
  const declared: KubernetesObject[] = ownContainer(pod, ports).ports ?? [];
  const numbers = declared.map(({ containerPort }) => containerPort);
  const missing = [...new Set([ports.grpc, ports.http])].filter((port) => !numbers.includes(port));
  if (missing.length > 0 && ports.kratosForm)
    return [
      fail(
        `its containerPorts lack ${missing.join(", ")}: by Kratos' form nobody finds it there`,
        "declare the ports in the container",
        declaration(ports),
      ),
    ];
  if (missing.length > 0)
    return [
      warn(
        `its containerPorts lack ${missing.join(", ")}`,
        "declare the ports in the container",
        declaration(ports),
      ),
    ];
  const names = declared.map(({ name, containerPort }) => `${name ?? "unnamed"} ${containerPort}`);
  const nameless = declared.filter(
    ({ name, containerPort }) => !name && [ports.grpc, ports.http].includes(containerPort),
  );
  if (nameless.length > 0 && ports.kratosForm)
    return [
      warn(
        `containerPort ${nameless.map(({ containerPort }) => containerPort).join(", ")} has no name`,
        "name it by its protocol",
        declaration(ports),
      ),
    ];
  return [ok(`containerPorts: ${names.join(", ")}`)];
}

function declaration({ grpc, http, health }: PodPorts): string {
  const named = [
    ["grpc", grpc],
    ...(http === grpc ? [] : [["http", http]]),
    ...(health === undefined ? [] : [["health", health]]),
  ];
  return `ports:\n${named.map(([name, port]) => `  - { name: ${name}, containerPort: ${port} }\n`).join("")}`;
}

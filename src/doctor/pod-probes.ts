/** How kubelet asks a Pod whether it is well: whether it asks where somebody answers. */
import type { KubernetesObject } from "./cluster.ts";
import { type Finding, fail, ok, warn } from "./doctor.ts";
import { ownContainer, type PodPorts, portNamed, portNumbers } from "./pod-ports.ts";

const kinds = ["startupProbe", "livenessProbe", "readinessProbe"] as const;

export function judgeProbes(pod: KubernetesObject, ports: PodPorts): Finding[] {
  const container = ownContainer(pod, ports);
  const wrong = kinds.flatMap((kind) => {
    const probe = container[kind];
    return probe === undefined ? [] : judgeProbe(kind, probe, container, ports);
  });
  const missing = kinds.slice(1).filter((kind) => container[kind] === undefined);
  const lacking = missing.map((kind) =>
    warn(
      `no ${kind}: ${kind === "readinessProbe" ? "it gets calls before it is ready" : "it is not restarted when it hangs"}`,
      "add the probe to the container",
      probeYaml(kind, ports),
    ),
  );
  const found = [...wrong, ...lacking];
  return found.length === 0 ? [ok(`probes: ${kinds.filter((kind) => container[kind]).join(", ")}`)] : found;
}

function judgeProbe(
  kind: string,
  probe: KubernetesObject,
  container: KubernetesObject,
  ports: PodPorts,
): Finding[] {
  const { httpGet, grpc, tcpSocket } = probe;
  const instead = probeYaml(kind, ports);
  const wrong = (why: string, todo: string): Finding[] => [fail(`${kind} ${why}`, todo, instead)];
  const asked = portNamed(container, (httpGet ?? grpc ?? tcpSocket)?.port);
  if ((httpGet ?? grpc ?? tcpSocket) === undefined) return [];
  if (asked === undefined || !portNumbers(ports).includes(asked))
    return wrong(
      `asks port ${(httpGet ?? grpc ?? tcpSocket).port}, where this service does not listen`,
      `ask port ${healthPort(ports)}`,
    );
  if (ports.tls === "mutual" && asked !== ports.health && tcpSocket === undefined)
    return wrong("brings no certificate, which --tls_ca asks for", "set --health_address, and ask there");
  if (grpc !== undefined) {
    if (asked !== ports.grpc) return wrong(`asks by gRPC at port ${asked}`, `ask port ${ports.grpc}`);
    if (ports.tls !== "none") return wrong("asks by gRPC, for which kubelet speaks no TLS", "ask by HTTPS");
    return [];
  }
  if (httpGet === undefined) return [];
  if (asked === ports.grpc && ports.http !== ports.grpc)
    return wrong(`asks by HTTP at the port of gRPC`, `ask port ${healthPort(ports)}`);
  const https = ports.tls !== "none" && asked !== ports.health;
  if (https !== (httpGet.scheme === "HTTPS"))
    return wrong(
      `asks by ${httpGet.scheme ?? "HTTP"} where ${https ? "HTTPS" : "HTTP"} is spoken`,
      `set its scheme to ${https ? "HTTPS" : "HTTP"}`,
    );
  const [path = "/"] = String(httpGet.path ?? "/").split("?");
  if (!ports.healthPaths.includes(path))
    return [
      warn(
        `${kind} asks ${path}, which is none of ${ports.healthPaths.join(", ")}`,
        "use one of these, unless the module answers there itself",
        instead,
      ),
    ];
  if (kind === "livenessProbe" && path !== "/livez")
    return [
      warn(`${kind} asks ${path}: it is restarted when what it depends on is away`, "ask /livez", instead),
    ];
  return [];
}

function healthPort({ health, http }: PodPorts): number {
  return health ?? http;
}

function probeYaml(kind: string, ports: PodPorts): string {
  const path = { startupProbe: "/startupz", livenessProbe: "/livez" }[kind] ?? "/readyz";
  const https = ports.tls !== "none" && ports.health === undefined;
  return `${kind}:\n  httpGet: { path: ${path}, port: ${healthPort(ports)}${https ? ", scheme: HTTPS" : ""} }\n`;
}

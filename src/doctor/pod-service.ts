/** The Services that lead to a Pod: whether their ports are those of this service. */
import type { KubernetesObject } from "./cluster.ts";
import { type Finding, fail, ok, warn } from "./doctor.ts";
import { ownContainer, type PodFacts, portNamed, portNumbers } from "./pod-ports.ts";

export function judgeServices(
  pod: KubernetesObject,
  services: readonly KubernetesObject[],
  facts: PodFacts,
): Finding[] {
  const labels = pod.metadata?.labels ?? {};
  const ours = services.filter(({ spec }) => selects(spec?.selector, labels));
  if (ours.length > 0) return ours.map((service) => judgeService(pod, service, facts));
  if (facts.registersOnPod)
    return [ok("no Service leads to it: it is found by what stands on its Pod alone")];
  return [
    warn(
      "no Service leads to it: nobody finds it by name",
      "apply the Service below",
      serviceYaml(pod, facts),
    ),
  ];
}

function selects(selector: Readonly<Record<string, string>> | undefined, labels: KubernetesObject): boolean {
  const wanted = Object.entries(selector ?? {});
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value);
}

function judgeService(pod: KubernetesObject, { metadata, spec }: KubernetesObject, facts: PodFacts): Finding {
  const container = ownContainer(pod, facts);
  const name = `Service ${metadata.name}`;
  const ports: KubernetesObject[] = spec.ports ?? [];
  const open = portNumbers(facts);
  for (const { port, targetPort = port, appProtocol } of ports) {
    const target = portNamed(container, targetPort);
    if (target === undefined || !open.includes(target))
      return fail(
        `${name}: its port ${port} leads to ${targetPort}, where this service does not listen`,
        `set its targetPort to ${facts.grpc}`,
      );
    if (target === facts.grpc && facts.grpc !== facts.http && appProtocol === "http")
      return warn(
        `${name}: a mesh would take its port ${port} for HTTP/1.1`,
        "set its appProtocol to kubernetes.io/h2c",
      );
  }
  const headless = spec.clusterIP === "None";
  if (
    !headless &&
    !ports.some(({ port, targetPort = port }) => portNamed(container, targetPort) === facts.grpc)
  )
    return warn(`${name}: no port of it leads to ${facts.grpc}, where calls are answered`, "add the port");
  const shown = ports.map(({ name: word, port, appProtocol }) =>
    [word, port, appProtocol].filter((part) => part !== undefined).join(" "),
  );
  return ok(`${name} leads to it: ${shown.join(", ") || "without ports"}`);
}

function serviceYaml(pod: KubernetesObject, { service, grpc, http }: PodFacts): string | undefined {
  const labels = Object.entries<string>(pod.metadata?.labels ?? {});
  const [chosen] = ["app.kubernetes.io/name", "app", "k8s-app"]
    .map((key) => labels.find(([label]) => label === key))
    .filter((label) => label !== undefined);
  if (chosen === undefined) return undefined;
  const [key, value] = chosen;
  const more = http === grpc ? "" : `    - { name: http, port: ${http}, appProtocol: http }\n`;
  return (
    `apiVersion: v1\nkind: Service\nmetadata:\n  name: ${service.toLowerCase().replace(/[._]/g, "-")}\n` +
    `  namespace: ${pod.metadata.namespace}\nspec:\n  selector: { ${key}: ${JSON.stringify(value)} }\n  ports:\n` +
    `    - { name: grpc, port: ${grpc}, appProtocol: kubernetes.io/h2c }\n${more}`
  );
}

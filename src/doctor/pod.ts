/** Our own Pod, as the API server has it: whether it says what Kubernetes has to know of this service. */
import { MicrorunError } from "../errors.ts";
import type { Cluster, KubernetesObject, Reached, Right } from "./cluster.ts";
import { type Check, type Finding, fail, failure, ok, warn } from "./doctor.ts";
import { judgeLife } from "./pod-life.ts";
import { judgeContainerPorts, type PodFacts } from "./pod-ports.ts";
import { judgeProbes } from "./pod-probes.ts";
import { judgeServices } from "./pod-service.ts";

export function podCheck(reached: Reached, facts: (namespace: string) => Promise<PodFacts>): Check {
  return {
    name: "pod",
    async run(signal) {
      const cluster = await reached();
      if (cluster === undefined) return [];
      return examinePod(cluster, await facts(cluster.namespace), signal);
    },
  };
}

async function examinePod(cluster: Cluster, facts: PodFacts, signal: AbortSignal): Promise<Finding[]> {
  const { namespace } = cluster;
  let pod: KubernetesObject;
  try {
    pod = await cluster.read(`/api/v1/namespaces/${namespace}/pods/${facts.name}`, signal);
  } catch (error) {
    return [await unread(cluster, facts, error)];
  }
  const services = await cluster
    .read(`/api/v1/namespaces/${namespace}/services`, signal)
    .catch((error) => unreadServices(cluster, error));
  return [
    ok(`${namespace}/${facts.name}, its name from ${facts.from}`),
    ...judgeContainerPorts(pod, facts),
    ...judgeProbes(pod, facts),
    ...("status" in services ? [services] : judgeServices(pod, services.items ?? [], facts)),
    ...judgeLife(pod, facts),
  ];
}

async function unread(
  cluster: Cluster,
  { name, from, registersOnPod }: PodFacts,
  error: unknown,
): Promise<Finding> {
  const { code } = MicrorunError.from(error);
  if (code === "not_found")
    return (registersOnPod ? fail : warn)(
      `namespace ${cluster.namespace} has no Pod ${name}, which is the name that ${from} gives`,
      "tell the Pod's name in POD_NAME",
      "env:\n  - name: POD_NAME\n    valueFrom: { fieldRef: { fieldPath: metadata.name } }\n",
    );
  if (code !== "permission_denied") return failure(error, "warn");
  const right = { apiGroup: "", resource: "pods", namespace: cluster.namespace };
  return notRead("its own Pod", cluster, { ...right, verbs: ["get"] });
}

async function unreadServices(cluster: Cluster, error: unknown): Promise<Finding> {
  if (MicrorunError.from(error).code !== "permission_denied") return failure(error, "warn");
  const right = { apiGroup: "", resource: "services", namespace: cluster.namespace };
  return notRead("whether a Service leads here", cluster, { ...right, verbs: ["list"] });
}

/** The service itself needs no such right. */
async function notRead(what: string, cluster: Cluster, right: Right): Promise<Finding> {
  const yaml = await cluster.grant(right, right.verbs);
  return warn(
    `not looked at: ${what}`,
    `apply the Role below to have it looked at; the service itself does not need it`,
    yaml,
  );
}

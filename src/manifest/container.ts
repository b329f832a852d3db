/** The container of a service: its arguments, variables, ports, probes and bounds. */
import type { Facts, Mount } from "./facts.ts";
import { probes } from "./probes.ts";

export function container(facts: Facts): object {
  const { args, cpu, envFrom, memory, mounts, name, ports } = facts;
  return {
    name,
    image: facts.image,
    ...(args.length === 0 ? {} : { args: args.map(literal) }),
    env: [...ownPlace, memoryLimit, ...Object.entries(facts.env).map(variable)],
    ...(envFrom.length === 0
      ? {}
      : {
          envFrom: envFrom.map(({ kind, name }) => ({
            [kind === "secret" ? "secretRef" : "configMapRef"]: { name },
          })),
        }),
    ...(ports.length === 0
      ? {}
      : { ports: ports.map(({ name, port }) => ({ name, containerPort: port, protocol: "TCP" })) }),
    ...(facts.probes === undefined ? {} : probes(facts.probes)),
    resources: { requests: { cpu, memory }, limits: { memory } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
    ...(mounts.length === 0 ? {} : { volumeMounts: mounts.map(mounted) }),
  };
}

// What the API server would add to these is written out: a reference is one value, and whoever says less of it says another.

/** What the Pod is told about itself. */
const ownPlace = Object.entries({
  POD_NAME: "metadata.name",
  POD_NAMESPACE: "metadata.namespace",
  POD_IP: "status.podIP",
  NODE_NAME: "spec.nodeName",
}).map(([name, fieldPath]) => ({ name, valueFrom: { fieldRef: { apiVersion: "v1", fieldPath } } }));

/** JavaScriptCore collects garbage by how much memory there is: the node's is not ours. In bytes. */
const memoryLimit = {
  name: "BUN_JSC_forceRAMSize",
  valueFrom: { resourceFieldRef: { resource: "limits.memory", divisor: "0" } },
};

/** Variables that every container of ours has. */
export const ownVariables: readonly string[] = [...ownPlace, memoryLimit].map(({ name }) => name);

function variable([name, value]: [string, string]): object {
  return { name, value: literal(value) };
}

/** Kubernetes would put a variable in place of `$(NAME)`. */
function literal(text: string): string {
  return text.replaceAll("$(", "$$$$(");
}

function mounted({ path, from }: Mount, at: number): object {
  return { name: `mount-${at}`, mountPath: path, ...(from === undefined ? {} : { readOnly: true }) };
}

/** Who may call a service. What it calls itself is not restricted: nobody here knows it. */

import type { Facts, KubernetesObject } from "./facts.ts";
import { selectorLabels } from "./labels.ts";

/** Kubelet's probes pass always. */
export function networkPolicy(facts: Facts, callers: "namespace" | "cluster"): KubernetesObject {
  const { name, namespace } = facts;
  const from = callers === "namespace" ? { podSelector: {} } : { namespaceSelector: {} };
  const ports = facts.ports
    .filter(({ appProtocol, amongPods = false }) => appProtocol !== undefined || amongPods)
    .map(({ port }) => ({ protocol: "TCP", port }));
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name, namespace },
    spec: {
      podSelector: { matchLabels: selectorLabels(facts) },
      policyTypes: ["Ingress"],
      // a worker or a job takes no calls
      ingress: ports.length === 0 ? [] : [{ from: [from], ports }],
    },
  };
}

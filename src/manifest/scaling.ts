/** How many Pods there are: fewer when a node is emptied, more under load. */

import type { Facts, KubernetesObject, Serving } from "./facts.ts";
import { selectorLabels } from "./labels.ts";

/** Of what its Pods have asked for, in percent. */
const targetCpu = 70;

/** With one replica it would keep nodes from ever being emptied. */
export function disruptionBudget(facts: Facts, { replicas }: Serving): KubernetesObject[] {
  const { name, namespace } = facts;
  if (replicas < 2) return [];
  return [
    {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name, namespace },
      spec: {
        maxUnavailable: 1,
        selector: { matchLabels: selectorLabels(facts) },
        // one that never got ready is no loss
        unhealthyPodEvictionPolicy: "AlwaysAllow",
      },
    },
  ];
}

export function autoscaler({ name, namespace }: Facts, run: Serving): KubernetesObject[] {
  if (run.maxReplicas === undefined) return [];
  return [
    {
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata: { name, namespace },
      spec: {
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name },
        minReplicas: run.replicas,
        maxReplicas: run.maxReplicas,
        metrics: [
          {
            type: "Resource",
            resource: { name: "cpu", target: { type: "Utilization", averageUtilization: targetCpu } },
          },
        ],
      },
    },
  ];
}

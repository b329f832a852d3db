/** A service that runs all the time: its Deployment, and the Service that leads to it. */

import type { Facts, KubernetesObject, Serving } from "./facts.ts";
import { selectorLabels } from "./labels.ts";
import { podTemplate } from "./pod.ts";

export function deployment(facts: Facts, run: Serving): KubernetesObject {
  const { name, namespace } = facts;
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace },
    spec: {
      // where there is an autoscaler, the number is its own
      ...(run.maxReplicas === undefined ? { replicas: run.replicas } : {}),
      selector: { matchLabels: selectorLabels(facts) },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      template: podTemplate(facts),
    },
  };
}

export function service(facts: Facts, { headless }: Serving): KubernetesObject {
  const { name, namespace } = facts;
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace },
    spec: {
      ...(headless ? { clusterIP: "None" } : {}),
      selector: selectorLabels(facts),
      ports: facts.ports
        .filter(({ appProtocol }) => appProtocol !== undefined)
        .map(({ name, port, appProtocol }) => ({ name, port, targetPort: name, appProtocol })),
    },
  };
}

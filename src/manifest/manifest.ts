/** What Kubernetes needs to run a service: facts about it → its objects. Nothing is read or asked here. */
import { serviceAccount } from "./account.ts";
import type { Facts, KubernetesObject } from "./facts.ts";
import { jobs } from "./job.ts";
import { commonLabels } from "./labels.ts";
import { networkPolicy } from "./network-policy.ts";
import { autoscaler, disruptionBudget } from "./scaling.ts";
import { deployment, service } from "./service.ts";

export { ownVariables } from "./container.ts";

/** In the order in which they are to be made. */
export function manifest(facts: Facts): KubernetesObject[] {
  const objects = [
    ...(facts.account.own ? [serviceAccount(facts)] : []),
    ...facts.grants,
    ...(facts.callers === undefined ? [] : [networkPolicy(facts, facts.callers)]),
    ...(facts.run.kind === "job"
      ? jobs(facts, facts.run)
      : [
          ...(facts.run.kind === "worker" ? [] : [service(facts, facts.run)]),
          deployment(facts, facts.run),
          ...disruptionBudget(facts, facts.run),
          ...autoscaler(facts, facts.run),
        ]),
  ];
  return objects.map(({ apiVersion, kind, metadata, ...more }) => ({
    apiVersion,
    kind,
    metadata: { ...metadata, labels: { ...commonLabels(facts), ...metadata.labels } },
    ...more,
  }));
}

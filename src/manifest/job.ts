/** A module that runs until it is done: a Job, or a CronJob that makes them. */
import type { Facts, KubernetesObject, Once } from "./facts.ts";
import { podTemplate } from "./pod.ts";

/** How often a run that failed is tried again. */
const maxRetries = 3;
/** How long the Pods of a run that is over can be looked at, in s. */
const keptSeconds = 86_400;
/** How late a run may begin that was missed, in s. */
const lateSeconds = 200;

export function jobs(facts: Facts, { schedule }: Once): KubernetesObject[] {
  const { name, namespace } = facts;
  const spec = {
    backoffLimit: maxRetries,
    ttlSecondsAfterFinished: keptSeconds,
    template: podTemplate(facts, { restartPolicy: "Never" }),
  };
  if (schedule === undefined)
    return [{ apiVersion: "batch/v1", kind: "Job", metadata: { name, namespace }, spec }];
  return [
    {
      apiVersion: "batch/v1",
      kind: "CronJob",
      metadata: { name, namespace },
      spec: {
        schedule,
        concurrencyPolicy: "Forbid",
        startingDeadlineSeconds: lateSeconds,
        jobTemplate: { spec },
      },
    },
  ];
}

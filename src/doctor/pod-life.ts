/** What a Pod may use, how long it may take to end, and whether its files can be written to. */
import type { KubernetesObject } from "./cluster.ts";
import { type Finding, fail, ok, warn } from "./doctor.ts";
import { ownContainer, type PodFacts } from "./pod-ports.ts";

/** Kubernetes' own. */
const usualGraceSeconds = 30;

export function judgeLife(pod: KubernetesObject, facts: PodFacts): Finding[] {
  const container = ownContainer(pod, facts);
  const { requests = {}, limits = {} } = container.resources ?? {};
  const lacking = [
    ...(requests.memory === undefined ? ["requests.memory"] : []),
    ...(requests.cpu === undefined ? ["requests.cpu"] : []),
    ...(limits.memory === undefined ? ["limits.memory"] : []),
  ];
  const resources =
    lacking.length === 0
      ? ok(`resources: requests ${requests.cpu} cpu, ${requests.memory}; limit ${limits.memory}`)
      : warn(
          `its resources lack ${lacking.join(", ")}`,
          "add them to the container: without, it is the first to be evicted",
          "resources:\n  requests: { cpu: 100m, memory: 128Mi }\n  limits: { memory: 256Mi }\n",
        );
  const readOnly = container.securityContext?.readOnlyRootFilesystem === true;
  return [resources, ...judgeEnd(pod, container, facts), ...(readOnly ? [judgeTmp(container)] : [])];
}

function judgeEnd(
  pod: KubernetesObject,
  container: KubernetesObject,
  { drainDelayMs, drainTimeoutMs }: PodFacts,
): Finding[] {
  const grace: number = pod.spec?.terminationGracePeriodSeconds ?? usualGraceSeconds;
  const { preStop } = container.lifecycle ?? {};
  const before: number = preStop?.sleep?.seconds ?? 0;
  const needed = Math.ceil(before + (drainDelayMs + drainTimeoutMs) / 1000);
  const end =
    grace < needed
      ? fail(
          `terminationGracePeriodSeconds ${grace}: a stop may take ${needed} s (--drain_delay, --drain_timeout)`,
          "give it more time, or set these to less: calls under way are cut",
          `terminationGracePeriodSeconds: ${needed + usualGraceSeconds / 2}\n`,
        )
      : ok(`terminationGracePeriodSeconds ${grace}, of which a stop may take ${needed}`);
  if (preStop === undefined || drainDelayMs === 0) return [end];
  return [end, warn("a preStop hook beside --drain_delay: a stop waits twice", "take the hook out")];
}

function judgeTmp(container: KubernetesObject): Finding {
  const mounts: KubernetesObject[] = container.volumeMounts ?? [];
  const writable = mounts.some(({ mountPath, readOnly }) => mountPath === "/tmp" && readOnly !== true);
  return ok(`its root file system is read-only${writable ? ", /tmp is not" : ""}`);
}

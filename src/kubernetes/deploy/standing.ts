/** The standing of a Deployment or Job, as its status tells it. */

/** How far it is. */
export interface Standing {
  readonly text: string;
  readonly state: "under way" | "done" | "failed";
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

/** The part of a Deployment or Job that is looked at. */
export interface Workload {
  readonly metadata?: {
    readonly generation?: number;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: {
    readonly replicas?: number;
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> };
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly availableReplicas?: number;
    readonly active?: number;
    readonly failed?: number;
    readonly conditions?: readonly Condition[];
  };
}

/** As `kubectl rollout status` judges it. */
export function deploymentStanding({ metadata = {}, spec = {}, status = {} }: Workload): Standing {
  const underWay = (text: string): Standing => ({ text, state: "under way" });
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 1))
    return underWay("the cluster has not taken it up yet");
  const condition = (type: string) => status.conditions?.find((one) => one.type === type);
  const progressing = condition("Progressing");
  if (progressing?.reason === "ProgressDeadlineExceeded")
    return { text: progressing.message ?? progressing.reason, state: "failed" };
  const wanted = spec.replicas ?? 1;
  const { replicas = 0, updatedReplicas: updated = 0, availableReplicas: available = 0 } = status;
  const refused = condition("ReplicaFailure");
  const why = refused?.status === "True" ? `; ${refused.message ?? refused.reason}` : "";
  if (updated < wanted) return underWay(`${updated} of ${wanted} Pods are new${why}`);
  const old = replicas - updated;
  if (old > 0) return underWay(`${old} old ${old === 1 ? "Pod is" : "Pods are"} still there${why}`);
  if (available < updated) return underWay(`${available} of ${updated} Pods are available${why}`);
  return { text: `${available} ${available === 1 ? "Pod is" : "Pods are"} available`, state: "done" };
}

export function jobStanding({ status = {} }: Workload): Standing {
  const holds = (type: string) =>
    status.conditions?.find((one) => one.type === type && one.status === "True");
  const failed = holds("Failed");
  if (failed !== undefined) return { text: failed.message ?? failed.reason ?? "it failed", state: "failed" };
  if (holds("Complete") !== undefined) return { text: "it is complete", state: "done" };
  const retries = status.failed ? `, ${status.failed} failed` : "";
  const { active = 0 } = status;
  return { text: `${active} ${active === 1 ? "Pod runs" : "Pods run"}${retries}`, state: "under way" };
}

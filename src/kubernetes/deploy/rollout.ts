/** The way from an applied Deployment or Job to Pods that run it: followed, and told. */
import { MicrorunError } from "../../errors.ts";
import type { Cluster } from "../api/cluster.ts";
import { rest } from "../backoff.ts";
import { eventsOf, warningIn } from "./pod-events.ts";
import { lastLines, type PodStatus, type Trouble, troubleOf, unreadyOf } from "./pod-trouble.ts";
import { deploymentStanding, jobStanding, type Workload } from "./standing.ts";

export interface RolloutOptions {
  readonly cluster: Cluster;
  readonly kind: "Deployment" | "Job";
  readonly name: string;
  readonly namespace: string;
  /** How long it may take. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Called with how far it is, and with what is wrong, whenever that is something new. */
  readonly tell: (line: string) => void;
  /** How often it is looked at. @default 1000 */
  readonly pollMs?: number;
}

/**
 * Resolves when all Pods of the new template are available, or the Job is complete.
 * @throws MicrorunError `failed_precondition` where it failed, `deadline_exceeded` with why it is not done yet
 */
export async function rollout(options: RolloutOptions): Promise<void> {
  const { cluster, kind, name, namespace, signal, tell, timeoutMs, pollMs = 1000 } = options;
  const path = `${kind === "Job" ? "/apis/batch/v1" : "/apis/apps/v1"}/namespaces/${namespace}/${kind.toLowerCase()}s/${name}`;
  const end = performance.now() + timeoutMs;
  const told = new Set<string>();
  /** @param what tells of the same, by whichever Pod @default the line */
  const tellOnce = (line: string, what = line) => {
    if (!told.has(what)) tell(line);
    told.add(what);
  };
  let last = "nothing is known of it";
  let hasEarlier = false;
  let pods: readonly PodStatus[] = [];
  let trouble: Trouble | undefined;

  for (;;) {
    try {
      const object = await cluster.request("GET", path, { signal });
      const { text, state } = kind === "Job" ? jobStanding(object) : deploymentStanding(object);
      last = text;
      // what `kubectl rollout undo` counts
      hasEarlier = Number(object.metadata?.annotations?.["deployment.kubernetes.io/revision"] ?? 1) > 1;
      if (state === "done") return;
      pods = await podsOf(object);
      trouble = troubleOf(pods) ?? (await warningOf(true));
      if (state === "failed") throw await failure("failed_precondition", "has failed");
      tellOnce(text);
      if (trouble !== undefined) tellOnce(`pod ${trouble.pod}: ${trouble.why}`, trouble.why);
    } catch (error) {
      if (signal.aborted) throw left();
      const { code, message } = MicrorunError.from(error);
      if (code === "permission_denied")
        throw new MicrorunError(code, `cannot follow the rollout of ${name}: ${message}`, {
          cause: error,
          hint: `have this user be allowed to get ${kind.toLowerCase()}s in namespace ${namespace}, or add --no-wait`,
        });
      // one answer that is missing says nothing of the rollout
      if (code !== "unavailable") throw error;
      tellOnce(message);
    }
    const leftMs = end - performance.now();
    if (leftMs <= 0)
      throw await failure("deadline_exceeded", `is not done after ${Math.round(timeoutMs / 1000)} s`);
    await rest(Math.min(pollMs, leftMs), signal);
    if (signal.aborted) throw left();
  }

  function left(): MicrorunError {
    return new MicrorunError("cancelled", `the rollout of ${name} goes on: nobody waits for it any more`);
  }

  async function podsOf(object: Workload): Promise<readonly PodStatus[]> {
    const labels = Object.entries(object.spec?.selector?.matchLabels ?? {});
    const labelSelector = labels.map(([key, value]) => `${key}=${value}`).join(",");
    const query = { labelSelector, limit: String(maxPods) };
    try {
      return (await cluster.request("GET", `/api/v1/namespaces/${namespace}/pods`, { query, signal })).items;
    } catch (error) {
      // whoever may deploy need not be allowed to look at Pods
      if (MicrorunError.from(error).code === "permission_denied") return [];
      throw error;
    }
  }

  /** @param patient a start may take its time */
  async function warningOf(patient: boolean): Promise<Trouble | undefined> {
    const unready = unreadyOf(pods);
    if (unready === undefined) return undefined;
    const why = warningIn(await eventsOf(cluster, namespace, unready.pod, signal), patient);
    if (why !== undefined) return { ...unready, why };
    return unready.hasLog && !patient ? { ...unready, why: "it runs, but is not ready" } : undefined;
  }

  async function failure(code: "failed_precondition" | "deadline_exceeded", how: string) {
    trouble ??= await warningOf(false).catch(() => undefined);
    const reason = trouble === undefined ? "" : `; pod ${trouble.pod}: ${trouble.why}`;
    const log = trouble?.hasLog ? await lastLines(cluster, namespace, trouble.pod, signal) : "";
    const lines = log === "" ? "" : `\n${log.replace(/^/gm, "    ")}`;
    // what a container writes must not steer a terminal
    const text = `${last}${reason}${lines}`.replace(/[^\P{Cc}\n]/gu, "\ufffd");
    return new MicrorunError(code, `rollout of ${name} ${how}: ${text}`, {
      hint:
        kind === "Job"
          ? `look at its Pods: kubectl -n ${namespace} describe job ${name}`
          : `mend it and deploy again${hasEarlier ? `, or go back: kubectl -n ${namespace} rollout undo deployment/${name}; the deployment after that needs --force_conflicts` : ""}`,
    });
  }
}

/** Enough to find what is wrong with them. */
const maxPods = 100;

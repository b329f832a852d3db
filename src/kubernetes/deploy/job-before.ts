/** A Job of the same name that ran before: it cannot be changed, only give way to the new one. */
import { abortReason, MicrorunError } from "../../errors.ts";
import type { Cluster } from "../api/cluster.ts";
import { rest } from "../backoff.ts";
import { removal } from "./apply-error.ts";
import { jobStanding } from "./standing.ts";

/** How long it may take to be gone. */
const goneMs = 30_000;
const pollMs = 200;

export interface JobPlace {
  /** Its path in the API. */
  readonly path: string;
  /** `job/greeter` */
  readonly name: string;
  readonly namespace: string | undefined;
  readonly signal: AbortSignal;
}

/**
 * Whether one is in the way that may be removed.
 * @throws MicrorunError `failed_precondition` where one is that may not: it still runs, or was made by somebody else
 */
export async function isJobBefore(cluster: Cluster, place: JobPlace): Promise<boolean> {
  const { name, namespace } = place;
  const job = await found(cluster, place);
  if (job === undefined) return false;
  const inTheWay = (why: string, hint: string) =>
    new MicrorunError("failed_precondition", `cannot apply ${name}: ${why}`, { hint });
  if (job.metadata?.labels?.["app.kubernetes.io/managed-by"] !== "microrun")
    throw inTheWay("one of that name is there that microrun did not make", removal(name, namespace));
  if (jobStanding(job).state === "under way")
    throw inTheWay(
      `the run before is not over: ${jobStanding(job).text}`,
      `wait until it is, or ${removal(name, namespace)}`,
    );
  return true;
}

/** With its Pods. Resolves when it is gone. */
export async function removeJob(cluster: Cluster, place: JobPlace): Promise<void> {
  const { path, name, signal } = place;
  const body = { propagationPolicy: "Background" };
  await cluster.request("DELETE", path, { body, signal }).catch((error) => {
    if (MicrorunError.from(error).code !== "not_found") throw error;
  });
  for (const end = performance.now() + goneMs; (await found(cluster, place)) !== undefined; ) {
    if (performance.now() > end)
      throw new MicrorunError(
        "deadline_exceeded",
        `${name}: removed, but still there after ${goneMs / 1000} s`,
        {
          hint: "see its finalizers: what they wait for keeps it",
        },
      );
    await rest(pollMs, signal);
    if (signal.aborted) throw abortReason(signal);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: any Kubernetes object
async function found(cluster: Cluster, { path, signal }: JobPlace): Promise<any> {
  try {
    return await cluster.request("GET", path, { signal });
  } catch (error) {
    // whoever may only apply is told by the server then
    if (["not_found", "permission_denied"].includes(MicrorunError.from(error).code)) return undefined;
    throw error;
  }
}

/** The number of replicas handed over to an autoscaler: given up without this, it would fall to 1 until the autoscaler acts. */
import { MicrorunError } from "../../errors.ts";
import type { Cluster } from "../api/cluster.ts";

/** Holds the number until the autoscaler sets it. */
const keeper = "microrun-autoscaler";

interface Workload {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec?: { readonly replicas?: number };
}

/** Nothing happens unless the Deployment says no number and its predecessor did. @param path its own in the API */
export async function handOverReplicas(
  cluster: Cluster,
  path: string,
  { fieldManager, object, signal }: { fieldManager: string; object: Workload; signal: AbortSignal },
): Promise<void> {
  const { apiVersion, kind, metadata, spec } = object;
  if (kind !== "Deployment" || spec?.replicas !== undefined) return;
  const before = await cluster.request("GET", path, { signal }).catch((error) => {
    // whoever may only apply does without
    if (["not_found", "permission_denied"].includes(MicrorunError.from(error).code)) return undefined;
    throw error;
  });
  // biome-ignore lint/suspicious/noExplicitAny: any Kubernetes object
  const managers: readonly any[] = before?.metadata?.managedFields ?? [];
  const isOurs = managers.some(
    ({ manager, operation, fieldsV1 }) =>
      manager === fieldManager && operation === "Apply" && fieldsV1?.["f:spec"]?.["f:replicas"] !== undefined,
  );
  if (!isOurs) return;
  const { name, namespace } = metadata;
  await cluster.request("PATCH", path, {
    query: { fieldManager: keeper, force: "true" },
    body: { apiVersion, kind, metadata: { name, namespace }, spec: { replicas: before.spec.replicas } },
    contentType: "application/apply-patch+yaml",
    signal,
  });
}

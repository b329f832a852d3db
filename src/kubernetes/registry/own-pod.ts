/** The Pod that this process runs in: its name, and what is learned of it on the way. */
import { hostname } from "node:os";

export interface OwnPod {
  readonly name: string;
  readonly namespace: string;
  /** Where the name is from: `POD_NAME`, `HOSTNAME`, `the host's name`. */
  readonly from: string;
  ip?: string;
  zone?: string | undefined;
  /** `resourceVersion` of the last answer to a patch of ours. */
  written?: string;
  /** `resourceVersion` that the watch of Pods has brought last. */
  seen?: string;
}

export function ownPod(namespace: string, env: Readonly<Record<string, string | undefined>>): OwnPod {
  if (env.POD_NAME) return { name: env.POD_NAME, namespace, from: "POD_NAME" };
  if (env.HOSTNAME) return { name: env.HOSTNAME, namespace, from: "HOSTNAME" };
  return { name: hostname(), namespace, from: "the host's name" };
}

/** Its zone stands in a label since Kubernetes 1.35, so that nobody has to ask for nodes. */
export const zoneLabel = "topology.kubernetes.io/zone";

/**
 * @param pod a Pod of the API server's, perhaps this one
 * @param how an answer to a patch of ours, or the watch of all Pods
 */
// biome-ignore lint/suspicious/noExplicitAny: a Kubernetes object
export function learn(own: OwnPod, pod: any, how: "written" | "seen"): void {
  if (pod?.metadata?.name !== own.name || pod.metadata.namespace !== own.namespace) return;
  own[how] = pod.metadata.resourceVersion;
  const zone = pod.metadata.labels?.[zoneLabel];
  const ip = pod.status?.podIP;
  if (typeof zone === "string" && zone !== "") own.zone = zone;
  if (typeof ip === "string" && ip !== "") own.ip = ip;
}

/** The watch has not brought yet what we have written ourselves. */
export function isBehind({ written, seen }: OwnPod): boolean {
  return (
    /^\d+$/.test(written ?? "") && BigInt(written ?? 0) > BigInt(/^\d+$/.test(seen ?? "") ? (seen ?? 0) : 0)
  );
}

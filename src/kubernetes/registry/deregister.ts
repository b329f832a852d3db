/** Takes an instance from the Pod that tells of it, whichever process wrote it there. */
import type { Instance } from "../../registry/registry.ts";
import type { Cluster } from "../api/cluster.ts";
import { patchPod } from "./announce.ts";
import type { Form } from "./form.ts";
import { podText } from "./pods.ts";

/**
 * Nothing when no Pod tells of it.
 * @param namespace `*`: all
 * @throws MicrorunError as the API server answers
 */
export async function deregister(
  cluster: Cluster,
  form: Form,
  namespace: string,
  instance: Instance,
): Promise<void> {
  form.check(instance);
  const within = namespace === "*" ? "" : `/namespaces/${namespace}`;
  const { items = [] } = await cluster.request("GET", `/api/v1${within}/pods`, {
    query: { labelSelector: form.selector(instance) },
  });
  for (const pod of items) {
    const text = podText(pod);
    const patch = form.without(text, instance);
    if (patch !== undefined) await patchPod(cluster, text.namespace, text.name, patch);
  }
}

/** The service account that a service runs as. */
import type { Facts, KubernetesObject } from "./facts.ts";

export function serviceAccount({ account, namespace }: Facts): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: account.name, namespace },
    // the Pod that needs a token asks for it
    automountServiceAccountToken: false,
  };
}

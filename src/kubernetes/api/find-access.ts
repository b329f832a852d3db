/** Where the API server is found: what was asked for, else the pod's service account, else the usual kubeconfig. */
import { MicrorunError, usageError } from "../../errors.ts";
import type { Access } from "./access.ts";
import { kubeconfigAccess } from "./kubeconfig.ts";
import { proxyFor } from "./proxy.ts";
import { serviceAccountAccess } from "./service-account.ts";

export interface FindOptions {
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly server: string | undefined;
  readonly serviceAccountFolder: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** @throws MicrorunError as openCluster does */
export async function findAccess(options: FindOptions): Promise<Access> {
  const { server } = options;
  if (server === undefined) return await found(options);
  if (!/^https?:$/.test(URL.canParse(server) ? new URL(server).protocol : "")) {
    throw usageError(`${server}: not the URL of an API server`, "give one such as http://127.0.0.1:8001");
  }
  const url = server.replace(/\/+$/, "");
  if (server.startsWith("https:")) return await found({ ...options, server: url });
  // kubectl proxy logs in for us, and need not see our token
  const asked = options.kubeconfig !== undefined || options.context !== undefined;
  const access = await found(options).catch((error) => {
    if (asked) throw error;
    return undefined;
  });
  const proxy = proxyFor(new URL(url), undefined, options.env);
  return {
    server: url,
    namespace: access?.namespace ?? "default",
    approach: async () => ({ route: { insecure: false, proxy }, headers: {} }),
    renew: async () => false,
  };
}

async function found(options: FindOptions): Promise<Access> {
  const { kubeconfig: file, context, env, server, signal } = options;
  const inPod =
    file === undefined && context === undefined
      ? await serviceAccountAccess(env, options.serviceAccountFolder, server)
      : undefined;
  const access = inPod ?? (await kubeconfigAccess({ file, context, server, env, signal }));
  if (access !== undefined) return access;
  if (env.KUBERNETES_SERVICE_HOST) {
    throw new MicrorunError(
      "failed_precondition",
      "no access to the cluster: the pod has no service account's token",
      {
        hint: "set automountServiceAccountToken: true in the pod",
      },
    );
  }
  throw new MicrorunError(
    "failed_precondition",
    "no cluster found: neither a service account nor a kubeconfig",
    {
      hint: "give --kubeconfig, or set KUBECONFIG",
    },
  );
}

/** The API server as a pod finds it: two variables, and the folder that kubelet mounts. */
import { access, readFile } from "node:fs/promises";
import { isIPv6 } from "node:net";
import { join } from "node:path";
import type { Access } from "./access.ts";
import { proxyFor } from "./proxy.ts";
import { rememberedFile } from "./remembered-file.ts";

export const serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Undefined outside a pod, and in one whose token is not mounted.
 * @param instead a URL in place of the two variables'
 */
export async function serviceAccountAccess(
  env: Env,
  folder: string = serviceAccountFolder,
  instead?: string,
): Promise<Access | undefined> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  const mounted = await access(join(folder, "token")).then(
    () => true,
    () => false,
  );
  if (!host || !port || !mounted) return undefined;
  const token = rememberedFile(join(folder, "token"), "service account's token");
  const ca = rememberedFile(join(folder, "ca.crt"), "service account's CA");
  const namespace = await readFile(join(folder, "namespace"), "utf8").catch(() => "");
  const server = instead ?? `https://${isIPv6(host) ? `[${host}]` : host}:${port}`;
  const proxy = proxyFor(new URL(server), undefined, env);
  return {
    server,
    namespace: namespace.trim() || "default",
    approach: async () => ({
      route: { ca: await ca.read(), insecure: false, proxy },
      headers: { authorization: `Bearer ${await token.read()}` },
    }),
    renew: () => token.changed(),
  };
}

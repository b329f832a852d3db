/** `microrun rbac`: the smallest permissions for a run with these flags in a cluster, as YAML to apply. */
import { kubernetes } from "../plugins.ts";
import type { Input } from "./command.ts";
import { readMesh } from "./settings.ts";
import { rbacFlags } from "./tool-flags.ts";
import { readFlags } from "./values.ts";

export async function start({ given, env }: Input): Promise<number> {
  const { service_account: serviceAccount, namespace: own } = readFlags(rbacFlags, given, env);
  // the YAML is for a cluster, wherever it is written
  const mesh = readMesh(given, { ...env, KUBERNETES_SERVICE_HOST: env.KUBERNETES_SERVICE_HOST || "cluster" });
  const used = mesh.registry === "kubernetes";
  const register = used && mesh.register;
  const discover = used && !["static", "dns"].includes(mesh.selector);
  if (!register && !discover) {
    process.stdout.write("# no permission is needed: nothing is asked of the API server\n");
    return 0;
  }
  const { neededRules, rbacYaml } = await kubernetes.rbac();
  const yaml = (what: { register: boolean; discover: boolean }, where: string): string =>
    rbacYaml({
      rules: neededRules(what),
      namespace: where === "*" ? own : where,
      clusterWide: where === "*",
      // what two accounts are granted must not be taken for one another's
      name: where === own ? `microrun-${serviceAccount}` : `microrun-${own}-${serviceAccount}`,
      serviceAccount,
      serviceAccountNamespace: own,
    });
  const where = mesh.kubernetes.namespace ?? own;
  const both = { register, discover };
  // our own Pod is here, others may be there
  const parts =
    where === own || where === "*"
      ? [yaml(both, where)]
      : [yaml({ register, discover: false }, own), yaml({ register: false, discover }, where)];
  process.stdout.write(parts.filter((part) => part !== "").join("---\n"));
  return 0;
}

/** `microrun rbac`: the smallest permissions for a run with these flags in a cluster, as YAML to apply. */
import { yamlText } from "../../yaml.ts";
import type { Input } from "../command/command.ts";
import { neededPermissions } from "../command/permissions.ts";
import { rbacFlags } from "../flags/tool-flags.ts";
import { readFlags } from "../flags/values.ts";

export async function start({ given, env }: Input): Promise<number> {
  const { service_account: serviceAccount, namespace } = readFlags(rbacFlags, given, env);
  const { objects } = await neededPermissions({ given, env, serviceAccount, namespace });
  process.stdout.write(
    objects.length > 0
      ? objects.map(yamlText).join("---\n")
      : "# no permission is needed: nothing is asked of the API server\n",
  );
  return 0;
}

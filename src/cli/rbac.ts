/** `microrun rbac`: the smallest permissions for a run with these flags in a cluster, as YAML to apply. */
import { configAddress, kubernetes } from "../plugins.ts";
import type { Input } from "./command.ts";
import { configFlags } from "./config-flags.ts";
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
  const { configRules, neededRules, rbacYaml } = await kubernetes.rbac();
  const where = mesh.kubernetes.namespace ?? own;
  // our own Pod is here, others may be there
  const parts =
    where === own || where === "*"
      ? [{ namespace: where, rules: neededRules({ register, discover }) }]
      : [
          { namespace: own, rules: neededRules({ register, discover: false }) },
          { namespace: where, rules: neededRules({ register: false, discover }) },
        ];
  for (const { namespace, rules } of configRules(await configObjects(given, env, own))) {
    // a Role of the same name replaces another
    const same = parts.find((part) => part.namespace === namespace);
    if (same === undefined) parts.push({ namespace, rules });
    else same.rules.push(...rules);
  }
  const yaml = parts
    .map(({ namespace, rules }) =>
      rbacYaml({
        rules,
        namespace: namespace === "*" ? own : namespace,
        clusterWide: namespace === "*",
        // what two accounts are granted must not be taken for one another's
        name: namespace === own ? `microrun-${serviceAccount}` : `microrun-${own}-${serviceAccount}`,
        serviceAccount,
        serviceAccountNamespace: own,
      }),
    )
    .filter((text) => text !== "");
  process.stdout.write(
    yaml.length > 0 ? yaml.join("---\n") : "# no permission is needed: nothing is asked of the API server\n",
  );
  return 0;
}

/** The ConfigMaps and Secrets that `--config` names. */
async function configObjects(given: Input["given"], env: Input["env"], own: string) {
  const texts = readFlags({ config: configFlags.config }, given, env).config;
  const parse = (await kubernetes.configAddress()).configAddress;
  return texts.flatMap((text) => {
    const address = configAddress(text);
    const { scheme } = address;
    if (scheme !== "configmap" && scheme !== "secret") return [];
    const { kind, namespace = own, name, labels, fields } = parse(address, scheme);
    return [
      {
        kind,
        namespace,
        ...(name === undefined ? {} : { name }),
        ...(labels === undefined ? {} : { labels }),
        ...(fields === undefined ? {} : { fields }),
      },
    ];
  });
}

/** The smallest permissions of a run in a cluster: what its flags make it ask of the API server, as Roles and their bindings. */
import { configAddress } from "../../config-sources.ts";
import type { RbacObject } from "../../plugins.ts";
import { kubernetes } from "../../plugins.ts";
import { configFlags } from "../flags/config-flags.ts";
import { type Environment, type Given, readFlags } from "../flags/values.ts";
import { registryNeeds } from "./needs.ts";
import { readMesh } from "./settings.ts";

export interface PermissionOptions {
  readonly given: Given;
  /** As the run has it. */
  readonly env: Environment;
  readonly serviceAccount: string;
  /** Where the service account and the service itself are. */
  readonly namespace: string;
}

export interface Permissions {
  /** It announces itself on its Pod. */
  readonly register: boolean;
  /** None where nothing is asked of the API server. */
  readonly objects: readonly RbacObject[];
}

/** @throws MicrorunError `invalid_argument` for names that no API server takes */
export async function neededPermissions(options: PermissionOptions): Promise<Permissions> {
  const { given, env, serviceAccount, namespace: own } = options;
  // it runs in a cluster, wherever this is asked
  const mesh = readMesh(given, { ...env, KUBERNETES_SERVICE_HOST: env.KUBERNETES_SERVICE_HOST || "cluster" });
  const { register, discover } = registryNeeds(mesh);
  const { checkNames, configRules, neededRules, rbacObjects } = await kubernetes.rbac();
  const where = mesh.kubernetes.namespace ?? own;
  checkNames({ serviceAccount, own, where });
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
  const objects = parts.flatMap(({ namespace, rules }) =>
    rbacObjects({
      rules,
      namespace: namespace === "*" ? own : namespace,
      clusterWide: namespace === "*",
      // what two accounts are granted must not be taken for one another's
      name: namespace === own ? `microrun-${serviceAccount}` : `microrun-${own}-${serviceAccount}`,
      serviceAccount,
      serviceAccountNamespace: own,
    }),
  );
  return { register, objects };
}

/** The ConfigMaps and Secrets that `--config` names. */
async function configObjects(given: Given, env: Environment, own: string) {
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

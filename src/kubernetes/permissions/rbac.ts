/** The smallest permissions for what is asked of the API server, as YAML to apply. */
import { usageError } from "../../errors.ts";
import { yamlText } from "../../yaml.ts";
import { nameOf } from "../config-address.ts";
import { isLabel, isSubdomain, maxLabelBytes, maxNameBytes } from "../names.ts";

export interface Rule {
  /** Empty: the core group, of pods. */
  readonly apiGroup: string;
  readonly resources: string[];
  readonly verbs: string[];
  /** Only objects of these names. Undefined: all. */
  readonly resourceNames?: string[];
}

/** What a service needs; nothing where it neither registers nor discovers. */
export function neededRules(options: { register: boolean; discover: boolean }): Rule[] {
  const pods = [...(options.discover ? ["list", "watch"] : []), ...(options.register ? ["patch"] : [])];
  const rules: Rule[] = pods.length === 0 ? [] : [{ apiGroup: "", resources: ["pods"], verbs: pods }];
  if (options.discover) {
    rules.push({
      apiGroup: "discovery.k8s.io",
      resources: ["endpointslices"],
      verbs: ["list", "watch"],
    });
  }
  return rules;
}

/** A ConfigMap or Secret that configuration comes from, or those that selectors choose where it has no name. */
export interface ConfigObject {
  readonly kind: "configmap" | "secret";
  readonly namespace: string;
  readonly name?: string;
  readonly labels?: string;
  readonly fields?: string;
}

/**
 * What reading them needs, by namespace, each named once: rules of one namespace belong into one call of `rbacYaml`, as a Role of
 * the same name replaces another. `resourceNames` allow a list and a watch whose field selector is that very name.
 */
export function configRules(
  addresses: readonly ConfigObject[],
): { readonly namespace: string; readonly rules: Rule[] }[] {
  const namespaces = [...new Set(addresses.map(({ namespace }) => namespace))];
  return namespaces.map((namespace) => {
    const kinds = (["configmap", "secret"] as const).map((kind) =>
      addresses.filter((address) => address.namespace === namespace && address.kind === kind),
    );
    return { namespace, rules: kinds.flatMap(readingRule) };
  });
}

/** @param objects of one kind and namespace */
function readingRule(objects: readonly ConfigObject[]): Rule[] {
  const [first] = objects;
  if (first === undefined) return [];
  const names = objects.map(nameOf);
  const named = names.filter((name) => name !== undefined);
  return [
    {
      apiGroup: "",
      resources: [`${first.kind}s`],
      verbs: ["list", "watch"],
      // a label says nothing of names: all must be allowed
      ...(named.length === names.length ? { resourceNames: [...new Set(named)] } : {}),
    },
  ];
}

/** What people may call the places and the account of a grant. */
export interface GrantNames {
  readonly serviceAccount: string;
  /** Where the service account is. */
  readonly own: string;
  /** Where it looks for others; `*`: everywhere. */
  readonly where: string;
}

/** @throws MicrorunError `invalid_argument` for a name that no API server takes */
export function checkNames({ serviceAccount, own, where }: GrantNames): void {
  const small = "small letters, digits and -";
  const refused = (what: string, name: string, hint: string) =>
    usageError(
      `${what} ${name || '""'}: not a name of Kubernetes'`,
      `${hint}, a letter or digit at both ends`,
    );
  const label = `${small}, at most ${maxLabelBytes}`;
  if (!isLabel(own)) throw refused("namespace", own, `set --namespace to ${label}`);
  if (where !== "*" && !isLabel(where))
    throw refused("namespace", where, `set --kubernetes_namespace to * for all, or ${label}`);
  if (!isSubdomain(serviceAccount))
    throw refused(
      "service account",
      serviceAccount,
      `set --service_account to ${small}, parted by dots, at most ${maxNameBytes}`,
    );
}

export interface RbacOptions {
  readonly rules: Rule[];
  /** Where the service runs. */
  readonly namespace: string;
  /** Reading is allowed in all namespaces; writing never needs more than the service's own. */
  readonly clusterWide: boolean;
  /** Of the roles and bindings. @default microrun */
  readonly name?: string;
  /** @default default */
  readonly serviceAccount?: string;
  /** Where the service account is. @default namespace */
  readonly serviceAccountNamespace?: string;
  /** A person in place of a service account. */
  readonly user?: string;
}

/** A Role or ClusterRole, or what binds one. */
export interface RbacObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

/** Documents for `kubectl apply -f -`; empty without rules. */
export function rbacYaml(options: RbacOptions): string {
  return rbacObjects(options).map(yamlText).join("---\n");
}

/** None without rules. */
export function rbacObjects(options: RbacOptions): RbacObject[] {
  const { rules, clusterWide } = options;
  const local = rules.flatMap((rule) => only(rule, (verb) => !clusterWide || !reads(verb)));
  const wide = rules.flatMap((rule) => only(rule, (verb) => clusterWide && reads(verb)));
  return [
    ...(local.length === 0 ? [] : grant("Role", local, options)),
    ...(wide.length === 0 ? [] : grant("ClusterRole", wide, options)),
  ];
}

function reads(verb: string): boolean {
  return ["get", "list", "watch"].includes(verb);
}

function only(rule: Rule, wanted: (verb: string) => boolean): Rule[] {
  const verbs = rule.verbs.filter(wanted);
  return verbs.length === 0 ? [] : [{ ...rule, verbs }];
}

function grant(kind: "Role" | "ClusterRole", rules: readonly Rule[], options: RbacOptions): RbacObject[] {
  const { namespace, serviceAccount = "default", user } = options;
  const { name = kind === "Role" ? "microrun" : `microrun-${namespace}` } = options;
  const group = "rbac.authorization.k8s.io";
  const metadata = kind === "Role" ? { name, namespace } : { name };
  const subject =
    user === undefined
      ? {
          kind: "ServiceAccount",
          name: serviceAccount,
          namespace: options.serviceAccountNamespace ?? namespace,
        }
      : { kind: "User", apiGroup: group, name: user };
  return [
    {
      apiVersion: `${group}/v1`,
      kind,
      metadata,
      rules: rules.map(({ apiGroup, ...rule }) => ({ apiGroups: [apiGroup], ...rule })),
    },
    {
      apiVersion: `${group}/v1`,
      kind: `${kind}Binding`,
      metadata,
      roleRef: { apiGroup: group, kind, name },
      subjects: [subject],
    },
  ];
}

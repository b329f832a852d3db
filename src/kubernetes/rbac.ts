/** The smallest permissions for what is asked of the API server, as YAML to apply. */
import { yamlText } from "../yaml.ts";

export interface Rule {
  /** Empty: the core group, of pods. */
  readonly apiGroup: string;
  readonly resources: string[];
  readonly verbs: string[];
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

/** Documents for `kubectl apply -f -`; empty without rules. */
export function rbacYaml(options: RbacOptions): string {
  const { rules, clusterWide } = options;
  const local = rules.flatMap((rule) => only(rule, (verb) => !clusterWide || !reads(verb)));
  const wide = rules.flatMap((rule) => only(rule, (verb) => clusterWide && reads(verb)));
  const documents = [
    ...(local.length === 0 ? [] : grant("Role", local, options)),
    ...(wide.length === 0 ? [] : grant("ClusterRole", wide, options)),
  ];
  return documents.map(yamlText).join("---\n");
}

function reads(verb: string): boolean {
  return ["get", "list", "watch"].includes(verb);
}

function only(rule: Rule, wanted: (verb: string) => boolean): Rule[] {
  const verbs = rule.verbs.filter(wanted);
  return verbs.length === 0 ? [] : [{ ...rule, verbs }];
}

function grant(kind: "Role" | "ClusterRole", rules: readonly Rule[], options: RbacOptions): object[] {
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
      rules: rules.map(({ apiGroup, resources, verbs }) => ({ apiGroups: [apiGroup], resources, verbs })),
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

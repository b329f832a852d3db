/** What the operator may do in a cluster, and no more: to have an object made, one has to be allowed what it grants. */
import { manager, resource, type Wanted } from "./operator.ts";
import { ownedKinds } from "./ownership.ts";

export interface InstallOptions {
  /** Where it runs, and its lease is. */
  readonly namespace: string;
  /** Where MicroServices are looked after. Undefined: everywhere. */
  readonly watched: string | undefined;
  readonly lease: string;
  /** MicroServices may read Secrets as configuration, so that it has to be able to. */
  readonly secrets: boolean;
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

const rbac = "rbac.authorization.k8s.io";

export function grants({ namespace, watched, lease, secrets }: InstallOptions): Wanted[] {
  const where = watched === undefined ? undefined : { namespace: watched };
  return [
    ...bound("lease", { namespace }, namespace, leaseRules(lease)),
    ...bound("", where, namespace, [
      ...ownRules,
      ...madeRules(),
      ...grantedRules,
      ...(secrets ? [secretRule] : []),
    ]),
  ];
}

/** @param where undefined: in all namespaces */
function bound(
  part: string,
  where: { readonly namespace: string } | undefined,
  home: string,
  rules: readonly Rule[],
): Wanted[] {
  const kind = where === undefined ? "ClusterRole" : "Role";
  const name = part === "" ? manager : `${manager}-${part}`;
  const head = { apiVersion: `${rbac}/v1`, metadata: { name, ...where } };
  return [
    { ...head, kind, rules },
    {
      ...head,
      kind: `${kind}Binding`,
      roleRef: { apiGroup: rbac, kind, name },
      subjects: [{ kind: "ServiceAccount", name: manager, namespace: home }],
    },
  ];
}

function leaseRules(lease: string): Rule[] {
  const group = { apiGroups: ["coordination.k8s.io"], resources: ["leases"] };
  return [
    { ...group, verbs: ["get", "update"], resourceNames: [lease] },
    // what is made has no name yet to be allowed by
    { ...group, verbs: ["create"] },
  ];
}

const ownRules: readonly Rule[] = [
  { apiGroups: [resource.group], resources: [resource.plural], verbs: ["list", "watch"] },
  { apiGroups: [resource.group], resources: [`${resource.plural}/status`], verbs: ["patch"] },
  { apiGroups: ["events.k8s.io"], resources: ["events"], verbs: ["create"] },
];

/** `get` of one that is there before it is made, `create` and `patch` to apply. */
function madeRules(): Rule[] {
  const groups = new Map<string, string[]>();
  for (const [apiVersion, , plural] of ownedKinds) {
    const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
    groups.set(group, [...(groups.get(group) ?? []), plural]);
  }
  return [...groups].map(([group, resources]) => ({
    apiGroups: [group],
    resources,
    verbs: ["get", "list", "watch", "create", "patch", "delete"],
  }));
}

/** What `microrun rbac` grants services, beside ConfigMaps. */
const grantedRules: readonly Rule[] = [
  { apiGroups: [""], resources: ["pods"], verbs: ["list", "watch", "patch"] },
  { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
];
const secretRule: Rule = { apiGroups: [""], resources: ["secrets"], verbs: ["list", "watch"] };

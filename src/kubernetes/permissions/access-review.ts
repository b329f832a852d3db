/** What the API server says of who we are and what we may do, and the Role that allows what we may not. */
import { MicrorunError } from "../../errors.ts";
import type { Cluster } from "../api/cluster.ts";
import { type RbacObject, type RbacOptions, rbacYaml } from "./rbac.ts";

/** What is to be allowed in one namespace, of one kind of object. */
export interface AccessRight {
  readonly apiGroup: string;
  readonly resource: string;
  readonly verbs: readonly string[];
  /** Undefined: all namespaces. */
  readonly namespace?: string;
  /** Undefined: all objects. */
  readonly name?: string;
}

/** Whose rights are looked at. */
export type Account =
  | { readonly serviceAccount: string; readonly serviceAccountNamespace: string }
  | { readonly user: string };

/** The longest name that an object may have. */
const maxName = 253;

/** What these Roles allow, one for each kind of object, each name and each namespace. */
export function rightsOf(objects: readonly RbacObject[]): AccessRight[] {
  return objects.flatMap(({ kind, metadata, rules }) =>
    kind !== "Role" && kind !== "ClusterRole"
      ? []
      : (rules as readonly WrittenRule[]).flatMap(({ apiGroups, resources, verbs, resourceNames }) =>
          (resourceNames ?? [undefined]).flatMap((name) =>
            resources.map((resource) => ({
              apiGroup: apiGroups[0] ?? "",
              resource,
              verbs,
              ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
              ...(name === undefined ? {} : { name }),
            })),
          ),
        ),
  );
}

interface WrittenRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** Our name to the API server; undefined: it is older than 1.28, and has no such question. */
export async function whoAmI(cluster: Cluster, signal: AbortSignal): Promise<string | undefined> {
  const body = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };
  try {
    const path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    return (await cluster.request("POST", path, { body, signal })).status?.userInfo?.username;
  } catch (error) {
    if (MicrorunError.from(error).code === "not_found") return undefined;
    throw error;
  }
}

/** `system:serviceaccount:shop:greeter`, or a person. */
export function accountOf(user: string): Account {
  const [, namespace, account] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user) ?? [];
  return namespace === undefined || account === undefined
    ? { user }
    : { serviceAccount: account, serviceAccountNamespace: namespace };
}

/** Those of the verbs that the API server refuses. @param account undefined: we ourselves */
export async function missingVerbs(
  cluster: Cluster,
  right: AccessRight,
  { account, signal }: { readonly account?: Account | undefined; readonly signal: AbortSignal },
): Promise<string[]> {
  const answers = await Promise.all(
    right.verbs.map(async (verb) => {
      const { apiGroup: group, resource, namespace, name } = right;
      const resourceAttributes = { group, resource, verb, namespace, name };
      const kind = account === undefined ? "SelfSubjectAccessReview" : "SubjectAccessReview";
      const spec = { resourceAttributes, ...(account === undefined ? {} : subjectOf(account)) };
      const body = { apiVersion: "authorization.k8s.io/v1", kind, spec };
      const path = `/apis/authorization.k8s.io/v1/${kind.toLowerCase()}s`;
      const { status } = await cluster.request("POST", path, { body, signal });
      return { verb, allowed: status?.allowed === true };
    }),
  );
  return answers.filter(({ allowed }) => !allowed).map(({ verb }) => verb);
}

/** As the API server takes the account's own token for. */
function subjectOf(account: Account): object {
  if ("user" in account) return { user: account.user };
  const { serviceAccount, serviceAccountNamespace: namespace } = account;
  return {
    user: `system:serviceaccount:${namespace}:${serviceAccount}`,
    groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
  };
}

/** A Role and its binding, named after what they allow: what is applied replaces nothing else. */
export function grantText(right: AccessRight, verbs: readonly string[], account: Account): string {
  const { apiGroup, resource, namespace, name } = right;
  const who = "user" in account ? account.user.replaceAll(/[^\w.-]+/g, "-") : account.serviceAccount;
  const home = "user" in account ? "default" : account.serviceAccountNamespace;
  const far = namespace === home || "user" in account ? [] : [home];
  const words = ["microrun", ...far, who, resource, ...verbs, ...(name === undefined ? [] : [name])];
  const options: RbacOptions = {
    rules: [
      {
        apiGroup,
        resources: [resource],
        verbs: [...verbs],
        ...(name === undefined ? {} : { resourceNames: [name] }),
      },
    ],
    namespace: namespace ?? home,
    clusterWide: namespace === undefined,
    name: words.join("-").slice(0, maxName),
    ...account,
  };
  return rbacYaml(options);
}

/** Objects brought to the API server by server-side apply: what we say holds, what others say stays. */
import { MicrorunError } from "../errors.ts";
import type { Cluster } from "./cluster.ts";

/** Who is known to have set the fields. */
const fieldManager = "microrun";

export interface Applied {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

export interface ApplyOptions {
  readonly cluster: Cluster;
  /** In the order in which they are to be made. */
  readonly objects: readonly Applied[];
  /** Fields that others have set are taken over. */
  readonly force: boolean;
  readonly signal: AbortSignal;
  /** Called after each, with `deployment/greeter`. */
  readonly applied?: (name: string) => void;
}

/** @throws MicrorunError as `Cluster.request` does, with a hint */
export async function applyObjects(options: ApplyOptions): Promise<void> {
  for (const object of options.objects) {
    await apply(object, options, false);
    options.applied?.(nameOf(object));
  }
}

/** Whether they would be taken, without changing anything. Throws as `applyObjects` does. */
export async function checkObjects(options: ApplyOptions): Promise<void> {
  // who binds a Role has to have its permissions, which nobody knows before it is there
  const known = options.objects.filter(({ kind }) => !kind.endsWith("Binding"));
  for (const object of known) await apply(object, options, true);
}

/** Nothing happens where it is there already. */
export async function createNamespace(cluster: Cluster, name: string, signal: AbortSignal): Promise<void> {
  try {
    const body = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
    await cluster.request("POST", "/api/v1/namespaces", { body, signal });
  } catch (error) {
    const known = MicrorunError.from(error);
    if (known.reason !== "ALREADY_EXISTS") throw told(known, `namespace/${name}`, name);
  }
}

/** Of the objects in manifests: how the API's paths call them. */
const plurals: Readonly<Record<string, string>> = {
  ClusterRole: "clusterroles",
  ClusterRoleBinding: "clusterrolebindings",
  CronJob: "cronjobs",
  Deployment: "deployments",
  HorizontalPodAutoscaler: "horizontalpodautoscalers",
  Job: "jobs",
  NetworkPolicy: "networkpolicies",
  PodDisruptionBudget: "poddisruptionbudgets",
  Role: "roles",
  RoleBinding: "rolebindings",
  Service: "services",
  ServiceAccount: "serviceaccounts",
};

/** `/apis/apps/v1/namespaces/shop/deployments/greeter` */
export function pathOf({ apiVersion, kind, metadata }: Applied): string {
  const plural = plurals[kind];
  if (plural === undefined) throw new MicrorunError("internal", `${kind}: not a kind that is applied`);
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const place = metadata.namespace === undefined ? "" : `/namespaces/${metadata.namespace}`;
  return `${root}${place}/${plural}/${metadata.name}`;
}

async function apply(object: Applied, options: ApplyOptions, dryRun: boolean): Promise<void> {
  const { cluster, force, signal } = options;
  const query = {
    fieldManager,
    force: String(force),
    fieldValidation: "Strict",
    ...(dryRun ? { dryRun: "All" } : {}),
  };
  try {
    // JSON is YAML
    const contentType = "application/apply-patch+yaml";
    await cluster.request("PATCH", pathOf(object), { query, body: object, contentType, signal });
  } catch (error) {
    throw told(MicrorunError.from(error), nameOf(object), object.metadata.namespace);
  }
}

function nameOf({ kind, metadata }: Applied): string {
  return `${kind.toLowerCase()}/${metadata.name}`;
}

/** What the API server said against it, and what to do. */
function told(error: MicrorunError, name: string, namespace: string | undefined): MicrorunError {
  if (["unavailable", "cancelled"].includes(error.code)) return error;
  const hint = hintFor(error, name, namespace) ?? error.hint;
  // what the cluster says against it is no mistake in the command line
  const code = error.code === "invalid_argument" ? "failed_precondition" : error.code;
  return new MicrorunError(code, `cannot apply ${name}: ${error.message}`, {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
    ...(error.reason === undefined ? {} : { reason: error.reason }),
  });
}

function hintFor(error: MicrorunError, name: string, namespace: string | undefined): string | undefined {
  const { code, message } = error;
  const where = namespace === undefined ? "in the cluster" : `in namespace ${namespace}`;
  const inNamespace = namespace === undefined ? "" : ` -n ${namespace}`;
  if (code === "aborted")
    return "let whoever set these fields give them up, or take them over by --force_conflicts";
  if (code === "unauthenticated") return "log in to the cluster anew, or check the user of the kubeconfig";
  if (code === "not_found" && /^namespaces? "/.test(message))
    return "create the namespace, or add --create_namespace";
  if (/field is immutable/.test(message))
    return `choose another --name, or remove what is there: kubectl${inNamespace} delete ${name}`;
  if (code !== "permission_denied") return undefined;
  const [, user, verb = "", resource] = /User "([^"]+)" cannot (\w+) resource "([^"]+)"/.exec(message) ?? [];
  if (resource !== undefined) {
    const verbs = verb === "patch" ? "create and patch" : verb;
    return `have ${user} be allowed to ${verbs} ${resource} ${where}`;
  }
  return /attempting to grant RBAC permissions/.test(message)
    ? `apply this Role as someone who has its permissions, or have ${where} the verbs escalate and bind on roles`
    : undefined;
}

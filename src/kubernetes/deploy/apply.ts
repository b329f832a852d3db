/** Objects brought to the API server by server-side apply: what we say holds, what others say stays. */
import { MicrorunError } from "../../errors.ts";
import type { Cluster } from "../api/cluster.ts";
import { applyError } from "./apply-error.ts";
import { isJobBefore, removeJob } from "./job-before.ts";
import { handOverReplicas } from "./replicas-handover.ts";

/** Who is known to have set the fields, unless it is somebody else. */
const usualManager = "microrun";

/** JSON is YAML. */
const contentType = "application/apply-patch+yaml";

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
  /** Who is known to have set the fields. @default microrun */
  readonly fieldManager?: string;
  readonly signal: AbortSignal;
  /** Called after each, with `deployment/greeter` and with the object as it is then. */
  // biome-ignore lint/suspicious/noExplicitAny: any Kubernetes object
  readonly applied?: (name: string, now: any) => void;
}

/** @throws MicrorunError as `Cluster.request` does, with a hint */
export async function applyObjects(options: ApplyOptions): Promise<void> {
  for (const object of options.objects) {
    const now = await apply(object, options);
    options.applied?.(nameOf(object), now);
  }
}

/** Whether they would be taken, without changing anything. Throws as `applyObjects` does. */
export async function checkObjects(options: ApplyOptions): Promise<void> {
  // who binds a Role has to have its permissions, which nobody knows before it is there
  const known = options.objects.filter(({ kind }) => !kind.endsWith("Binding"));
  for (const object of known) await check(object, options);
}

/** Nothing happens where it is there already, which who may do something in it may see. */
export async function createNamespace(cluster: Cluster, name: string, signal: AbortSignal): Promise<void> {
  const body = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
  try {
    await cluster.request("GET", `/api/v1/namespaces/${name}`, { signal });
  } catch (unseen) {
    const { code } = MicrorunError.from(unseen);
    if (code !== "not_found" && code !== "permission_denied") throw told(unseen, body);
    await cluster.request("POST", "/api/v1/namespaces", { body, signal }).catch((error) => {
      if (MicrorunError.from(error).reason !== "ALREADY_EXISTS") throw told(error, body);
    });
  }
}

/** Of the objects in manifests: how the API's paths call them. */
const plurals: Readonly<Record<string, string>> = {
  ClusterRole: "clusterroles",
  ClusterRoleBinding: "clusterrolebindings",
  ConfigMap: "configmaps",
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
export function pathOf(object: Applied): string {
  return `${placeOf(object)}/${object.metadata.name}`;
}

function placeOf({ apiVersion, kind, metadata }: Applied): string {
  const plural = plurals[kind];
  if (plural === undefined) throw new MicrorunError("internal", `${kind}: not a kind that is applied`);
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const place = metadata.namespace === undefined ? "" : `/namespaces/${metadata.namespace}`;
  return `${root}${place}/${plural}`;
}

// biome-ignore lint/suspicious/noExplicitAny: any Kubernetes object
async function apply(object: Applied, options: ApplyOptions): Promise<any> {
  const { cluster, force, fieldManager = usualManager, signal } = options;
  const { namespace } = object.metadata;
  const place = { path: pathOf(object), name: nameOf(object), namespace, signal };
  try {
    if (object.kind === "Job" && (await isJobBefore(cluster, place))) await removeJob(cluster, place);
    await handOverReplicas(cluster, place.path, { fieldManager, object, signal });
    const query = { fieldManager, force: String(force), fieldValidation: "Strict" };
    return await cluster.request("PATCH", place.path, { query, body: object, contentType, signal });
  } catch (error) {
    throw told(error, object);
  }
}

async function check(object: Applied, options: ApplyOptions): Promise<void> {
  const { cluster, force, fieldManager = usualManager, signal } = options;
  const { kind, metadata } = object;
  const { name, namespace } = metadata;
  const query = { fieldManager, fieldValidation: "Strict", dryRun: "All" };
  try {
    if (kind === "Job") {
      await isJobBefore(cluster, { path: pathOf(object), name: nameOf(object), namespace, signal });
      // what a Job of that name would be, when the one before is gone
      const body = { ...object, metadata: { ...metadata, name: undefined, generateName: `${name}-` } };
      await cluster.request("POST", placeOf(object), { query, body, signal });
    } else {
      const merged = { ...query, force: String(force) };
      await cluster.request("PATCH", pathOf(object), { query: merged, body: object, contentType, signal });
    }
  } catch (error) {
    throw told(error, object);
  }
}

function told(error: unknown, object: Applied): MicrorunError {
  const known = MicrorunError.from(error);
  // it says all there is to say
  if (known.cause === undefined && known.hint !== undefined) return known;
  return applyError(known, nameOf(object), object.metadata.namespace);
}

function nameOf({ kind, metadata }: Applied): string {
  return `${kind.toLowerCase()}/${metadata.name}`;
}

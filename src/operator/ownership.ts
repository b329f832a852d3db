/** Whose an object is: what is put on those that are made for a MicroService, and what is read off those that are there. */
import { createHash } from "node:crypto";
import { type MicroService, type Owned, resource, type Seen, serviceLabel, type Wanted } from "./operator.ts";

/** Kinds that are made, watched and removed. */
export const ownedKinds = [
  ["v1", "ConfigMap", "configmaps"],
  ["v1", "ServiceAccount", "serviceaccounts"],
  ["rbac.authorization.k8s.io/v1", "Role", "roles"],
  ["rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings"],
  ["networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"],
  ["v1", "Service", "services"],
  ["apps/v1", "Deployment", "deployments"],
  ["policy/v1", "PodDisruptionBudget", "poddisruptionbudgets"],
  ["autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"],
  ["batch/v1", "CronJob", "cronjobs"],
] as const;

/** Kinds whose status is the MicroService's own. */
const workloads: readonly string[] = ["Deployment", "CronJob"];

export function ownedBy(service: MicroService, object: Wanted): Wanted {
  const { apiVersion, kind } = resource;
  const { name, uid } = service;
  const { metadata, ...more } = object;
  return {
    ...(more as Wanted),
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, [serviceLabel]: name },
      // the cluster removes what is left without its owner
      ...{ ownerReferences: [{ apiVersion, kind, name, uid, controller: true }] },
    },
  };
}

/** @param kind lists do not say it of what is in them */
export function owned(object: Seen, apiVersion: string, kind: string): Owned {
  const { name, namespace, uid, resourceVersion, labels, ownerReferences = [], generation } = object.metadata;
  const { spec, status } = object;
  const controller = ownerReferences.find((one: Seen) => one.controller === true);
  return {
    ...{ apiVersion, kind, metadata: { name, namespace }, uid, version: resourceVersion },
    service: labels?.[serviceLabel],
    owner: controller && { kind: controller.kind, name: controller.name, uid: controller.uid },
    print: fingerprint(object),
    workload: workloads.includes(kind) ? { metadata: { generation }, spec: slim(spec), status } : undefined,
  };
}

/** Without the template, which is long. */
function slim({ replicas, selector, suspend, schedule }: Seen): Seen {
  return { replicas, selector, suspend, schedule };
}

/** As the API server writes it: the same fields in the same order. */
function fingerprint({ metadata, status: _, ...rest }: Seen): string {
  const { managedFields: _f, resourceVersion: _v, generation: _g, ...named } = metadata;
  const text = JSON.stringify([named, { ...rest, apiVersion: undefined, kind: undefined }]);
  return createHash("sha256").update(text).digest("base64");
}

/** Of what a ConfigMap holds. */
export function contentPrint({ data, binaryData }: Seen): string {
  const entries = [data ?? {}, binaryData ?? {}].map((part) =>
    Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
  return createHash("sha256").update(JSON.stringify(entries)).digest("hex").slice(0, 16);
}

/** Versions are numbers that grow, in all but name. */
export function isOlder(version: string, than: string): boolean {
  return /^\d+$/.test(version) && /^\d+$/.test(than) && BigInt(version) < BigInt(than);
}

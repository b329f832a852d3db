/** What the operator keeps in step with the cluster, and what it needs of others for that. */

/** `microservices.microrun.dev` */
export const resource = {
  group: "microrun.dev",
  version: "v1alpha1",
  apiVersion: "microrun.dev/v1alpha1",
  kind: "MicroService",
  plural: "microservices",
} as const;

/** In whose name fields are set, and events told. */
export const manager = "microrun-operator";
/** On each object that is made for a MicroService: its name. */
export const serviceLabel = "microrun.dev/microservice";
/** On a MicroService, `true`: objects of its names that others have made become its own. */
export const adoptAnnotation = "microrun.dev/adopt";

/** A module as text: of a ConfigMap that is there, or written out. */
export interface ModuleText {
  readonly configMap?: string;
  /** @default main.ts */
  readonly key?: string;
  readonly source?: string;
}

export interface Place {
  readonly configMap?: string;
  readonly secret?: string;
}

/** As crd-spec.ts describes it; what it says has passed the schema. */
export interface MicroServiceSpec {
  readonly image?: string;
  readonly module?: ModuleText;
  readonly version?: string;
  readonly serverName?: string;
  readonly worker?: boolean;
  readonly schedule?: string;
  readonly replicas?: number;
  readonly autoscale?: { readonly min: number; readonly max: number };
  readonly registry?: string;
  readonly registryFormat?: string;
  readonly selector?: string;
  readonly transport?: string;
  readonly config?: {
    readonly configMaps?: readonly string[];
    readonly secrets?: readonly string[];
    readonly data?: Readonly<Record<string, string>>;
  };
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly envFrom?: readonly Place[];
  readonly mounts?: readonly (Place & { readonly path: string })[];
  readonly resources?: { readonly cpu?: string | number; readonly memory?: string | number };
  readonly ports?: {
    readonly main?: number;
    readonly grpc?: number;
    readonly http?: number;
    readonly health?: number;
  };
  readonly headless?: boolean;
  readonly grpcProbe?: boolean;
  readonly serviceAccountName?: string;
  readonly imagePullSecrets?: readonly string[];
  readonly networkPolicy?: "Namespace" | "Cluster";
  readonly mesh?: "linkerd" | "istio";
}

export interface Condition {
  readonly type: "Ready" | "Progressing" | "Degraded";
  readonly status: "True" | "False" | "Unknown";
  /** One word, for programs. */
  readonly reason: string;
  /** For people. */
  readonly message: string;
  readonly observedGeneration: number;
  readonly lastTransitionTime: string;
}

export interface MicroServiceStatus {
  readonly observedGeneration?: number;
  readonly image?: string;
  readonly replicas?: number;
  readonly readyReplicas?: number;
  /** Of its Pods, as autoscalers ask for it. */
  readonly selector?: string;
  readonly conditions?: readonly Condition[];
}

/** The part of one that is looked at. */
export interface MicroService {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly generation: number;
  /** It is being deleted. */
  readonly leaving: boolean;
  readonly adopts: boolean;
  readonly spec: MicroServiceSpec;
  readonly status: MicroServiceStatus;
}

/** An object to be made. */
export interface Wanted {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** A MicroService → its objects. @throws MicrorunError `invalid_argument` for a spec that cannot be */
export type Plan = (service: MicroService) => Promise<Planned>;

export interface Planned {
  /** What its Pods run. */
  readonly image: string;
  /** In the order in which they are to be made. */
  readonly objects: readonly Wanted[];
}

/** What the operator knows of the cluster without asking. */
export interface Known {
  /** By `namespace/name`. */
  service(key: string): MicroService | undefined;
  /** By its path in the API. */
  owned(path: string): Owned | undefined;
  /** Labelled with its name. */
  labelled(service: MicroService): readonly Owned[];
  /** A ConfigMap that a module may be in. */
  module(namespace: string, name: string): ModuleContent | undefined;
}

/** The part of an object of ours that is looked at. */
export interface Owned {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly uid: string;
  readonly version: string;
  /** Of which MicroService, by its label. */
  readonly service: string | undefined;
  /** Who controls it. */
  readonly owner: { readonly kind: string; readonly name: string; readonly uid: string } | undefined;
  /** Changes with all but its status. */
  readonly print: string;
  /** What a MicroService's status is read off. */
  readonly workload: Seen | undefined;
}

export interface ModuleContent {
  readonly keys: readonly string[];
  /** Changes with what is in it. */
  readonly print: string;
}

// biome-ignore lint/suspicious/noExplicitAny: any Kubernetes object
export type Seen = any;

/** The present objects of one kind, kept in step. */
export interface Followed<T> extends AsyncDisposable {
  /** By `namespace/name`. */
  readonly current: ReadonlyMap<string, T>;
  /** Resolves with the first list, or the first refusal. */
  readonly synced: Promise<void>;
  /** Why the API server refuses. */
  readonly denied: Error | undefined;
  onChange(changed: () => void): () => void;
}

export interface Asked {
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly signal?: AbortSignal;
}

/** The API server, as the operator asks it. */
export interface OperatorCluster {
  /** @throws MicrorunError `not_found`, `aborted` (409), `unavailable` … */
  request(method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE", path: string, asked?: Asked): Promise<Seen>;
  /** @param keep what is kept of an object; undefined: nothing */
  follow<T>(
    path: string,
    query: Readonly<Record<string, string>>,
    keep: (object: Seen) => T | undefined,
  ): Followed<T>;
  /** By server-side apply, in the manager's name, taking over what others have set. @returns the object as it is then */
  apply(object: Wanted, signal: AbortSignal): Promise<Seen>;
  /** How far a Deployment is, as `kubectl rollout status` judges it. */
  standing(deployment: Seen): { readonly text: string; readonly state: "under way" | "done" | "failed" };
  /** `/apis/apps/v1/namespaces/shop/deployments/greeter` */
  pathOf(object: Pick<Wanted, "apiVersion" | "kind" | "metadata">): string;
}

/** Time, so that tests need not wait. */
export interface Clock {
  /** ms, steady: no date. */
  now(): number;
  /** Resolves after `ms`, or at once when aborted. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
}

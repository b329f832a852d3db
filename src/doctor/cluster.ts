/** The cluster, as far as checks look at it. */

// biome-ignore lint/suspicious/noExplicitAny: any Kubernetes object
export type KubernetesObject = any;

/** One look at the API server. */
export interface Visit {
  /** `v1.36.3`; undefined: it does not tell us. */
  readonly version?: string;
  readonly ms: number;
  readonly security: "trusted" | "unchecked" | "cleartext";
  /** How far its clock is before ours, in ms. Undefined: it told no time. */
  readonly skewMs?: number;
  /** What we log in by, and when that ends, in ms since the epoch. Undefined: by nothing. */
  readonly credential?: { readonly kind: "token" | "certificate" | "password"; readonly expires?: number };
}

/** What may be asked for in one namespace, of one kind of object. */
export interface Right {
  readonly apiGroup: string;
  readonly resource: string;
  readonly verbs: readonly string[];
  /** Undefined: all namespaces. */
  readonly namespace?: string;
  /** Undefined: all objects. */
  readonly name?: string;
}

export interface Cluster {
  readonly server: string;
  readonly namespace: string;
  /** Once: all ask for the same look. @throws MicrorunError */
  visit(): Promise<Visit>;
  /** Our name there. Undefined: its API server is too old to say. */
  whoAmI(signal: AbortSignal): Promise<string | undefined>;
  /** Those of its verbs that are not allowed. */
  missing(right: Right, signal: AbortSignal): Promise<readonly string[]>;
  /** YAML that allows them, and takes nothing else away. */
  grant(right: Right, verbs: readonly string[]): Promise<string>;
  read(path: string, signal: AbortSignal): Promise<KubernetesObject>;
}

/** The cluster where it can be reached: of one that cannot, its own check tells, and no other. */
export type Reached = () => Promise<Cluster | undefined>;

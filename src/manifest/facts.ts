/** What is to be known of a service before its objects can be made, and what an object is. */

/** A Kubernetes object, in the order in which people read it. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

export interface Port {
  /** `grpc`, `http`, `health`, `broker` */
  readonly name: string;
  readonly port: number;
  /** What it speaks, as Services say it. Undefined: it is no part of the Service. */
  readonly appProtocol?: string;
  /** Other Pods come there, by its address. @default false */
  readonly amongPods?: boolean;
}

/** How kubelet asks whether it is well. */
export interface Probes {
  /** The name of the port that answers `/startupz`, `/livez` and `/readyz`. */
  readonly port: string;
  readonly tls: boolean;
  /** The number of the port that answers `grpc.health.v1.Health`, where that is to be asked. */
  readonly grpcPort?: number;
  /** How long a start may take. */
  readonly startSeconds: number;
  /** How long an answer may take. */
  readonly timeoutSeconds: number;
}

/** A ConfigMap or Secret of the namespace. */
export interface ObjectName {
  readonly kind: "configmap" | "secret";
  readonly name: string;
}

export interface Mount {
  readonly path: string;
  /** Undefined: an empty folder that may be written to. */
  readonly from?: ObjectName;
}

/** Runs all the time. */
export interface Serving {
  /** A worker takes no calls: it has no port, and no Service leads to it. */
  readonly kind: "service" | "worker";
  /** How many at first; the most is for the autoscaler. */
  readonly replicas: number;
  readonly maxReplicas?: number;
  /** DNS answers with the Pods' own addresses. */
  readonly headless: boolean;
}

/** Runs until it is done. */
export interface Once {
  readonly kind: "job";
  /** As cron writes it: a run at each of these times. Undefined: one run, now. */
  readonly schedule?: string;
}

export interface Facts {
  readonly name: string;
  readonly namespace: string;
  readonly version?: string;
  readonly run: Serving | Once;
  readonly image: string;
  readonly pullSecrets: readonly string[];
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly envFrom: readonly ObjectName[];
  readonly mounts: readonly Mount[];
  readonly ports: readonly Port[];
  /** Undefined: nobody answers. */
  readonly probes?: Probes;
  /** How long it may take to stop. */
  readonly graceSeconds: number;
  /** Quantities of Kubernetes': `100m`, `256Mi`. */
  readonly cpu: string;
  readonly memory: string;
  readonly account: {
    readonly name: string;
    /** It is made here; else it is there already. */
    readonly own: boolean;
    /** It speaks to the API server, and so gets a token. */
    readonly token: boolean;
  };
  /** Roles and their bindings. */
  readonly grants: readonly KubernetesObject[];
  /** It announces itself on its Pod, in Go Micro's form. */
  readonly registers: boolean;
  /** Who may call it. Undefined: whoever reaches it. */
  readonly callers?: "namespace" | "cluster";
  readonly inject?: "linkerd" | "istio";
}

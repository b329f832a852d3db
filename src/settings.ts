/** What the command line decided: the input of a run. */
import type { LogFormat, LogLevel } from "./log.ts";
import type { Tls } from "./transport/transport.ts";

/** How calls to other services are made. */
export interface ClientSettings {
  readonly requestTimeoutMs: number;
  readonly retries: number;
  readonly poolSize: number;
  readonly poolTtlMs: number;
  /** TLS for calls out. Absent: cleartext. */
  readonly tls?: Partial<Tls>;
}

/** How services find each other, and what carries their events. Names are those of plugins.ts. */
export interface MeshSettings {
  readonly registry: string;
  readonly registryAddress: readonly string[];
  /** Whether a served module announces itself. */
  readonly register: boolean;
  readonly registerTtlMs: number;
  readonly registerIntervalMs: number;
  /** The form of what is written on the Pod. */
  readonly registryFormat: "micro" | "kratos" | "gomicro";
  readonly kubernetes: KubernetesSettings;
  readonly selector: string;
  /** The metadata key that `hash` chooses by. */
  readonly selectorKey: string;
  /** Undefined: what the registry learns. */
  readonly zone?: string;
  readonly broker: string;
  readonly brokerAddress: readonly string[];
}

export interface KubernetesSettings {
  /** Path of a kubeconfig. Undefined: the pod's service account, else KUBECONFIG, else ~/.kube/config. */
  readonly kubeconfig?: string;
  /** A context of the kubeconfig. Undefined: its current one. */
  readonly context?: string;
  /** Where services are looked for; `*`: in all. Undefined: the pod's own, else the context's, else `default`. */
  readonly namespace?: string;
}

/** Everything the command line decides, parsed and checked. Times in milliseconds. */
export interface Settings {
  /** The handler module, as given. */
  readonly module: string;
  /** What followed `--`. */
  readonly args: readonly string[];
  /** Each undefined where neither flag nor variable said anything: the module's own values hold, then the defaults. */
  readonly server: {
    readonly name?: string;
    readonly version?: string;
    readonly id?: string;
    /** Undefined: `:8080`, or a free port when that is busy outside a cluster. */
    readonly address?: string;
    readonly advertise?: string;
    readonly metadata: Readonly<Record<string, string>>;
  };
  /** Ports of their own; undefined: on the server's address. */
  readonly grpcAddress?: string;
  readonly httpAddress?: string;
  readonly healthAddress?: string;
  readonly tls?: Tls;
  /** `.proto` files that replace the module's own. */
  readonly proto?: readonly string[];
  readonly maxMessageBytes: number;
  readonly client: ClientSettings;
  readonly mesh: MeshSettings;
  readonly transport: string;
  readonly startTimeoutMs: number;
  readonly drainDelayMs: number;
  readonly drainTimeoutMs: number;
  readonly healthTimeoutMs: number;
  readonly log: { readonly level: LogLevel; readonly format: LogFormat; readonly color: boolean };
}

/** What a run does: decided by the command line, and by configuration where that says nothing. */
import type { TlsFiles } from "./certificates/certificates.ts";
import type { Config } from "./config/config.ts";
import type { GivenFlag } from "./inspect/inspect.ts";
import type { LogFormat, LogLevel } from "./log.ts";
import type { ServerLimits, Tls } from "./transport/transport.ts";

/** How calls to other services are made. */
export interface ClientSettings {
  readonly retries: number;
  readonly poolSize: number;
  readonly poolTtlMs: number;
  /** TLS for calls out. Absent: cleartext. */
  readonly tls?: Partial<Tls>;
  /** Where it was read. */
  readonly tlsFiles?: TlsFiles;
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
  /** Requests are packed. */
  readonly gzip: boolean;
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
  /** What a refusal's hint grants, all of it, since what is applied replaces what was before. @default what was refused */
  readonly needs?: ClusterNeeds;
}

/** What a run asks of the API server, as far as its flags tell. */
export interface ClusterNeeds {
  readonly register: boolean;
  readonly discover: boolean;
  /** ConfigMaps and Secrets, as `--config` has them. */
  readonly sources: readonly string[];
}

/** Where configuration comes from. */
export interface ConfigSettings {
  /** `env:`, `file:./config.yaml`; later ones win. */
  readonly sources: readonly string[];
  /** Values by dotted path, over all sources. */
  readonly set: Readonly<Record<string, string>>;
  /** How long a start waits for what its sources say, in ms. */
  readonly waitMs: number;
}

/** Which pages of other origins may call over HTTP (CORS). None without origins. */
export interface CorsSettings {
  /** `https://shop.example`; `*`: any, without cookies. */
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  /** None: whatever is asked for. */
  readonly headers: readonly string[];
}

/** What may change while the service runs. */
export interface LiveSettings {
  readonly logLevel: LogLevel;
  /** How long a call without a stream may take that is served by gRPC, whatever its caller says. 0: as long as it likes. */
  readonly grpcTimeoutMs: number;
  /** The same over HTTP, the module's own `fetch` among it. */
  readonly httpTimeoutMs: number;
  /** How long a call to another service may take that says nothing itself. */
  readonly clientTimeoutMs: number;
  readonly cors: CorsSettings;
}

/** What configuration says, and who said it; what foreign sources say is not in it. */
export interface Configured {
  readonly current: Config;
  /** The source whose value holds at a path. */
  originOf(path: readonly string[]): string | undefined;
  /** The value at a path must not be shown. */
  isSecret(path: readonly string[]): boolean;
}

/**
 * The settings under a configuration: flags and variables first, then it, then the defaults.
 * @throws MicrorunError `failed_precondition` that names each key which is not what it has to be
 */
export type Settle = (configured: Configured) => Settings;

/** Everything that is decided before a module is loaded, parsed and checked. Times in milliseconds. */
export interface Settings {
  /** The handler module, as given. */
  readonly module: string;
  /** What followed `--`. */
  readonly args: readonly string[];
  /** How many processes serve the module; `auto`: one for each core that may be used. @default 1 */
  readonly workers?: number | "auto";
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
  /** Where it was read. */
  readonly tlsFiles?: TlsFiles;
  readonly limits: ServerLimits;
  /** What is held for peers. Undefined: a share of the memory that there is. */
  readonly maxBufferBytes?: number;
  /** `.proto` files that replace the module's own. */
  readonly proto?: readonly string[];
  readonly maxMessageBytes: number;
  /** `/openapi.json` and the page `/docs` are served. */
  readonly docs: boolean;
  readonly client: ClientSettings;
  readonly mesh: MeshSettings;
  readonly transport: string;
  readonly startTimeoutMs: number;
  readonly drainDelayMs: number;
  readonly drainTimeoutMs: number;
  readonly healthTimeoutMs: number;
  readonly log: {
    readonly format: LogFormat;
    readonly color: boolean;
    /** Takes a line. @default writes it to stderr */
    readonly write?: (line: string) => void;
  };
  readonly config: ConfigSettings;
  /** What an instance tells that may be looked into. Undefined: it may not. */
  readonly inspect?: { readonly runtime: string; readonly flags: readonly GivenFlag[] };
  /** As they are at the start. */
  readonly live: LiveSettings;
  /** Texts of the configuration that only a start takes, by their keys. */
  readonly fixed: Readonly<Record<string, string>>;
  /** What to warn of. @default nothing */
  readonly notes?: readonly string[];
}

/** What the command line decided: the input of a run. */
import type { LogFormat, LogLevel } from "./log.ts";
import type { Tls } from "./transport/transport.ts";

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
  readonly client: {
    readonly requestTimeoutMs: number;
    readonly retries: number;
    readonly poolSize: number;
    readonly poolTtlMs: number;
  };
  readonly register: { readonly ttlMs: number; readonly intervalMs: number };
  /** Names in plugins.ts. */
  readonly registry: string;
  readonly registryAddress: readonly string[];
  readonly selector: string;
  readonly broker: string;
  readonly brokerAddress: readonly string[];
  readonly transport: string;
  readonly startTimeoutMs: number;
  readonly drainDelayMs: number;
  readonly drainTimeoutMs: number;
  readonly healthTimeoutMs: number;
  readonly log: { readonly level: LogLevel; readonly format: LogFormat; readonly color: boolean };
}

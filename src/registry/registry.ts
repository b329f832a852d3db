/** Who is where: instances announce themselves, others watch a service. */
import type { Shape } from "../call.ts";

/** What an instance answers, as Go Micro's registries write it. */
export interface InstanceEndpoint {
  /** `Greeter.Hello` */
  readonly name: string;
  /** Null: not described. */
  readonly request: Shape | null;
  readonly response: Shape | null;
  /** `stream: "true"` where either side streams; `subscriber` and `topic` of a subscription. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface Instance {
  /** Unique within the service: `greeter-<uuid>`. */
  readonly id: string;
  /** Name of the service. */
  readonly service: string;
  readonly version: string;
  /** `host:port`; IPv6 in brackets. */
  readonly address: string;
  /** Go Micro's `protocol` (`grpc`, `http`, `mucp`) says what `address` speaks; absent, it speaks gRPC. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Addresses by protocol, where there are several: `{ grpc: "10.0.0.7:9090", http: "10.0.0.7:8080" }`. @default `address` alone */
  readonly protocols?: Readonly<Record<string, string>>;
  /** @default not known */
  readonly endpoints?: readonly InstanceEndpoint[];
  /** Kubernetes' namespace. @default the registry has none */
  readonly namespace?: string;
  /** `topology.kubernetes.io/zone` of where it runs. @default `metadata.zone`, if that is there */
  readonly zone?: string;
  /** Zones whose callers should prefer it (an EndpointSlice's hints). @default `zone` */
  readonly forZones?: readonly string[];
}

export interface WatchOptions {
  /**
   * The first snapshot has everybody: a registry that gathers it from answers waits for all of them, not for the first alone.
   * @default false
   */
  readonly everybody?: boolean;
}

/**
 * A watched name need not be the registered one; service-name.ts has the rule that all registries follow.
 * Disposing a registry ends its watches.
 */
export interface Registry extends AsyncDisposable {
  /** `memory`, `local`, `mdns`, `kubernetes` */
  readonly name: string;
  /** An announcement stays for its time to live after its process has ended. */
  readonly persistent: boolean;
  /**
   * Announces the instance until disposed, again every `--register_interval`. A registry that cannot be reached, or may not be
   * written to, is a line in the log and tried again: the service goes on.
   * @throws MicrorunError `invalid_argument` for a name, id or address that it cannot carry
   */
  register(instance: Instance): Promise<AsyncDisposable>;
  /** Takes back an announcement, whichever process made it; nothing when there is none. @throws MicrorunError */
  deregister(instance: Instance): Promise<void>;
  /**
   * Whole snapshots, the first as soon as it is known, each time something changed, until aborted. Ends without an error; while
   * the registry cannot be reached, what was last known holds.
   */
  watch(service: string, signal: AbortSignal, options?: WatchOptions): AsyncIterable<readonly Instance[]>;
  /** All instances known now. @throws MicrorunError */
  list(): Promise<readonly Instance[]>;
  /** The zone of this process, where the registry learns it. */
  zone?(): string | undefined;
  /** Since when what it tells may be out of date, as it cannot be reached, in ms since the epoch; undefined: it is current. */
  staleSince?(): number | undefined;
  /**
   * What is wrong now though it can be reached, for people: `may not list pods in namespace a`, or that what was registered is not
   * announced. Undefined: nothing that it knows of.
   * @param service only why it finds nothing of that name @default everything
   */
  trouble?(service?: string): string | undefined;
}

/** Who is where: instances announce themselves, others watch a service. */

export interface Instance {
  /** `greeter-<uuid>` */
  readonly id: string;
  /** Name of the service. */
  readonly service: string;
  readonly version: string;
  /** `host:port` */
  readonly address: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface Registry {
  readonly name: string;
  /** Announces the instance until disposed. */
  register(instance: Instance): Promise<AsyncDisposable>;
  /** Whole snapshots, the first at once, each time something changed, until aborted. Ends without an error. */
  watch(service: string, signal: AbortSignal): AsyncIterable<readonly Instance[]>;
  /** All instances known now. */
  list?(): Promise<readonly Instance[]>;
}

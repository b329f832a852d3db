/** Which address answers the next call to a service. */

/** Which of a service's instances will do. */
export interface Wish {
  /** Only instances of this version. @default any */
  readonly version?: string;
  /** Only instances whose metadata have these values. @default any */
  readonly metadata?: Readonly<Record<string, string>>;
  /** @default "grpc" */
  readonly protocol?: string;
  /** Metadata of the call, for selectors that choose by it. */
  readonly call?: Headers;
  /** Addresses that failed this call already: taken again only when there is no other. */
  readonly except?: ReadonlySet<string>;
}

/** How the error about a service that no registry knows goes on, after `service NAME: `. */
export const unknownWords = "no instance known to";

/** Disposing it ends what it watches. */
export interface Selector extends AsyncDisposable {
  readonly name: string;
  /**
   * `host:port`. Each pick is followed by one `report`, when the call (of a stream: the last message) is over.
   * @throws MicrorunError `unavailable` when no instance is known, with the reason
   */
  pick(service: string, wish?: Wish): string | Promise<string>;
  /**
   * What came of a call to `address`; `error` undefined: it went well; `cancelled`: its caller left, which says nothing of the
   * callee. `ms`: until the reply, of a stream its first message. `connecting`: it may have waited for its connection, so that
   * `ms` does not say how fast the callee is; @default false
   */
  report?(address: string, error: unknown, ms: number, connecting?: boolean): void;
}

/** Which address answers the next call to a service. */

export interface Selector {
  readonly name: string;
  /** `host:port`. @throws MicrorunError `unavailable` when no instance is known */
  pick(service: string): string | Promise<string>;
  /** What came of a call to `address`; `error` undefined: it went well. */
  report?(address: string, error: unknown, ms: number): void;
}

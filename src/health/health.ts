/** Health by named checks: whether the process lives, may get calls, has started. */

/** Throws (or rejects) when unhealthy; `signal` is aborted after the check's time. */
export type HealthCheck = (signal: AbortSignal) => void | Promise<void>;

/** Which question a check answers. Liveness never depends on others, so users' checks are `ready` ones. */
export type Probe = "live" | "ready" | "startup";

export interface CheckResult {
  readonly name: string;
  readonly ok: boolean;
  /** Why not; empty when ok. */
  readonly reason: string;
  /** What `?verbose` says of it beside its name. @default nothing */
  readonly note?: string;
}

export interface Health {
  /** @default options.timeoutMs 1000 */
  add(
    probe: Probe,
    name: string,
    check: HealthCheck,
    options?: { timeoutMs?: number; note?: () => string },
  ): void;
  /** Those named in `exclude` are not run. */
  run(probe: Probe, exclude?: ReadonlySet<string>): Promise<readonly CheckResult[]>;
  /** Started, and not draining: calls are welcome. Says nothing of the checks. */
  readonly serving: boolean;
  /** `serving`, the present value at once, then each change, until aborted. */
  watch(signal: AbortSignal): AsyncIterable<boolean>;
}

/** A signal of several ends, which leaves nothing behind on the long-lived ones it listens to. */

export interface BoundedSignal extends Disposable {
  readonly signal: AbortSignal;
  /** Whether the time was up, and not somebody's wish. */
  readonly late: boolean;
  /** From now on there is no limit of time. */
  endless(): void;
  abort(): void;
}

/** Aborted after `ms`, or with one of `signals`. */
export function boundedSignal(ms: number, ...signals: (AbortSignal | undefined)[]): BoundedSignal {
  const own = new AbortController();
  const abort = () => own.abort();
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    abort();
  }, ms);
  for (const signal of signals) {
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort, { once: true });
  }
  return {
    signal: own.signal,
    get late() {
      return late;
    },
    endless: () => clearTimeout(timer),
    abort,
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      for (const signal of signals) signal?.removeEventListener("abort", abort);
    },
  };
}

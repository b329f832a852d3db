/** Ends a watch that has gone silent: a connection that is dead at the other end says nothing either. */

export interface Watchdog extends Disposable {
  /** Aborted when nothing was heard for too long, or with the outer signal. */
  readonly signal: AbortSignal;
  /** Whether nothing was heard for too long. */
  readonly expired: boolean;
  /** ms of performance.now(), which no moved clock disturbs */
  readonly heardAt: number;
  heard(): void;
}

/** @param idleMs how long it may be silent */
export function watchdog(idleMs: number, outer: AbortSignal): Watchdog {
  const own = new AbortController();
  const abort = () => own.abort();
  let heardAt = performance.now();
  let expired = false;
  let timer: NodeJS.Timeout;
  // one timer that looks again, as moving it at each of many events would cost more
  const look = (): void => {
    const left = heardAt + idleMs - performance.now();
    expired = left <= 0;
    if (expired) abort();
    else arm(left);
  };
  const arm = (ms: number): void => {
    timer = setTimeout(look, ms);
    timer.unref?.();
  };
  arm(idleMs);
  if (outer.aborted) abort();
  outer.addEventListener("abort", abort, { once: true });
  return {
    signal: own.signal,
    get expired() {
      return expired;
    },
    get heardAt() {
      return heardAt;
    },
    heard: () => {
      heardAt = performance.now();
    },
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      outer.removeEventListener("abort", abort);
    },
  };
}

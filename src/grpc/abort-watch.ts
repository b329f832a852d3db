/** Which calls a signal ends: those of one signal share a listener, as one for each costs as much as much else of a small call. */

export interface Abortable {
  /** The signal was aborted. */
  aborted(): void;
}

export interface AbortWatch {
  add(signal: AbortSignal, one: Abortable): void;
  remove(signal: AbortSignal, one: Abortable): void;
}

/** One for all connections of a process: a signal that lasts has one listener, however many of them come and go. */
export function createAbortWatch(): AbortWatch {
  const watched = new WeakMap<AbortSignal, Set<Abortable>>();
  /** The signal asked for last, as it is likely to be the next. */
  let last: AbortSignal | undefined;
  let ofLast = new Set<Abortable>();

  const known = (signal: AbortSignal): Set<Abortable> | undefined =>
    signal === last ? ofLast : watched.get(signal);

  const watch = (signal: AbortSignal): Set<Abortable> => {
    const all = new Set<Abortable>();
    watched.set(signal, all);
    signal.addEventListener(
      "abort",
      () => {
        for (const one of [...all]) one.aborted();
      },
      { once: true },
    );
    return all;
  };

  return {
    add(signal, one) {
      ofLast = known(signal) ?? watch(signal);
      last = signal;
      ofLast.add(one);
    },
    remove(signal, one) {
      known(signal)?.delete(one);
    },
  };
}

/** Lets only so many through at once; the others wait in line. */

export interface Gate {
  /** Resolves when it is one's turn, with what ends it. Rejects with the signal's reason. */
  enter(signal: AbortSignal): Promise<Disposable>;
}

export function gate(places: number): Gate {
  let free = places;
  const line = new Set<() => void>();
  const leave = (): Disposable => {
    let left = false;
    return {
      [Symbol.dispose]: () => {
        if (left) return;
        left = true;
        const [next] = line;
        if (next === undefined) free++;
        else next();
      },
    };
  };
  return {
    enter: async (signal) => {
      signal.throwIfAborted();
      if (free > 0) {
        free--;
        return leave();
      }
      const turn = Promise.withResolvers<void>();
      // whoever is called, or gives up, leaves the line at once: no turn is given to nobody
      const called = () => {
        line.delete(called);
        turn.resolve();
      };
      const end = () => {
        line.delete(called);
        turn.reject(signal.reason);
      };
      line.add(called);
      signal.addEventListener("abort", end, { once: true });
      try {
        await turn.promise;
        return leave();
      } finally {
        signal.removeEventListener("abort", end);
      }
    },
  };
}

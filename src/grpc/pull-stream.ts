/** Streams of messages that are read from the wire only when asked for: back-pressure by pulling. */

export interface PullStream extends AsyncIterable<unknown> {
  push(message: unknown): void;
  /** Everything has been sent. */
  end(): void;
  /** What is asked for from now on rejects with `reason`. */
  fail(reason: unknown): void;
}

/**
 * @param read asks the wire for one more message; `push`, `end` or `fail` answers
 * @param left called when the reader stops before the end
 */
export function createPullStream(read: () => void, left: () => void = () => {}): PullStream {
  const waiting: PromiseWithResolvers<IteratorResult<unknown>>[] = [];
  let ended = false;
  let failure: { reason: unknown } | undefined;

  const end = (): void => {
    if (failure === undefined) ended = true;
    for (const { resolve } of waiting.splice(0)) resolve({ done: true, value: undefined });
  };
  const iterator: AsyncIterator<unknown> = {
    next() {
      if (ended) return Promise.resolve({ done: true, value: undefined });
      if (failure !== undefined) return Promise.reject(failure.reason);
      const next = Promise.withResolvers<IteratorResult<unknown>>();
      // whoever asked may have stopped listening when it fails
      next.promise.catch(() => {});
      waiting.push(next);
      if (waiting.length === 1) read();
      return next.promise;
    },
    return() {
      if (!ended && failure === undefined) left();
      end();
      return Promise.resolve({ done: true, value: undefined });
    },
  };
  return {
    [Symbol.asyncIterator]: () => iterator,
    push(message) {
      waiting.shift()?.resolve({ done: false, value: message });
      if (waiting.length > 0) read();
    },
    end,
    fail(reason) {
      if (ended) return;
      failure ??= { reason };
      for (const { reject } of waiting.splice(0)) reject(reason);
    },
  };
}

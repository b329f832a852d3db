/** Streams of messages that are read from the wire only when asked for: back-pressure by pulling. */

export interface PullStream extends AsyncIterable<unknown> {
  push(message: unknown): void;
  /** Everything has been sent. */
  end(): void;
  /** What is asked for from now on rejects with `reason`. */
  fail(reason: unknown): void;
}

/**
 * @param read asks the wire for one more message; `push`, `end` or `fail` answers, at once or later
 * @param left called when the reader stops before the end
 */
export function createPullStream(read: () => void, left: () => void = () => {}): PullStream {
  return new Pulled(read, left);
}

type Result = IteratorResult<unknown>;

const done: Result = { done: true, value: undefined };

/** A class, as it is made for calls and used for each of their messages. */
class Pulled implements PullStream, AsyncIterator<unknown> {
  private readonly read: () => void;
  private readonly left: () => void;
  /** Who asked, and was not answered at once. */
  private readonly waiting: PromiseWithResolvers<Result>[] = [];
  /** Somebody asks right now: what comes needs no promise of its own. */
  private asking = false;
  private answer: Result | undefined = undefined;
  private ended = false;
  private failure: { readonly reason: unknown } | undefined = undefined;

  constructor(read: () => void, left: () => void) {
    this.read = read;
    this.left = left;
  }

  [Symbol.asyncIterator](): AsyncIterator<unknown> {
    return this;
  }

  next(): Promise<Result> {
    if (!this.isOver() && this.waiting.length === 0) {
      this.asking = true;
      this.read();
      this.asking = false;
      const { answer } = this;
      this.answer = undefined;
      if (answer !== undefined) return Promise.resolve(answer);
    }
    if (this.ended) return Promise.resolve(done);
    if (this.failure !== undefined) return rejected(this.failure.reason);
    const next = Promise.withResolvers<Result>();
    this.waiting.push(next);
    return next.promise;
  }

  return(): Promise<Result> {
    if (!this.isOver()) this.left();
    this.end();
    return Promise.resolve(done);
  }

  push(message: unknown): void {
    const result: Result = { done: false, value: message };
    if (this.asking) {
      this.asking = false;
      this.answer = result;
      return;
    }
    this.waiting.shift()?.resolve(result);
    if (this.waiting.length > 0) this.read();
  }

  end(): void {
    if (this.failure === undefined) this.ended = true;
    for (const { resolve } of this.waiting.splice(0)) resolve(done);
  }

  fail(reason: unknown): void {
    if (this.ended) return;
    this.failure ??= { reason };
    for (const { promise, reject } of this.waiting.splice(0)) {
      unheard(promise);
      reject(reason);
    }
  }

  private isOver(): boolean {
    return this.ended || this.failure !== undefined;
  }
}

function rejected(reason: unknown): Promise<never> {
  const promise = Promise.reject(reason);
  unheard(promise);
  return promise;
}

/** Whoever asked may have stopped listening when it fails. */
function unheard(promise: Promise<unknown>): void {
  promise.catch(() => {});
}

/** A stream of requests that can be sent again from its start as long as no more than its first message was taken. */
import { type AnyIterator, discard, iteratorOf } from "../iteration.ts";

export interface Requests {
  /** Each iteration begins anew. */
  readonly stream: AsyncIterable<unknown>;
  /** Nothing is lost by sending it again. */
  complete(): boolean;
  /** Nobody reads on. */
  end(): void;
}

/** Of an AsyncIterable, or of a plain one. */
export function createRequests(request: unknown): Requests {
  let source: AnyIterator | undefined;
  let first: Promise<IteratorResult<unknown>> | undefined;
  let more = false;

  const pull = async (): Promise<IteratorResult<unknown>> => {
    source ??= iteratorOf(request)!;
    return source.next();
  };
  return {
    stream: {
      [Symbol.asyncIterator]() {
        let began = false;
        return {
          next() {
            if (began) {
              more = true;
              return pull();
            }
            began = true;
            first ??= pull();
            return first;
          },
          // one try is over, the call need not be
          return: async () => ({ done: true, value: undefined }),
        };
      },
    },
    complete: () => !more,
    end() {
      // a source that is still to answer hears of it when it has
      discard(source);
      source = ended;
    },
  };
}

const ended: AnyIterator = { next: () => ({ done: true, value: undefined }) };

/** A stream of requests that can be sent again from its start as long as no more than its first message was taken. */
import { errorText, MicrorunError } from "../errors.ts";
import { type AnyIterator, discard, iteratorOf } from "../iteration.ts";

export interface Requests {
  /** Each iteration begins anew. */
  readonly stream: AsyncIterable<unknown>;
  /** Nothing is lost by sending it again. */
  complete(): boolean;
  /** What the source itself threw: a MicrorunError as it is, anything else as the cause of a `cancelled`. */
  failure(): MicrorunError | undefined;
  /** Nobody reads on. */
  end(): void;
}

/** Of an AsyncIterable, or of a plain one. */
export function createRequests(request: unknown): Requests {
  let source: AnyIterator | undefined;
  let first: Promise<IteratorResult<unknown>> | undefined;
  let more = false;

  let failure: MicrorunError | undefined;

  const pull = async (): Promise<IteratorResult<unknown>> => {
    try {
      source ??= iteratorOf(request)!;
      return await source.next();
    } catch (thrown) {
      failure ??=
        thrown instanceof MicrorunError
          ? thrown
          : new MicrorunError("cancelled", errorText(thrown), { cause: thrown });
      // whatever it is, it says nothing of the callee
      throw new MicrorunError("cancelled", failure.message, { cause: thrown });
    }
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
    failure: () => failure,
    end() {
      // a source that is still to answer hears of it when it has
      discard(source);
      source = ended;
    },
  };
}

const ended: AnyIterator = { next: () => ({ done: true, value: undefined }) };

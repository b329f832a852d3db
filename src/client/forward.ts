/** Calls passed on as they came: an instance picked, another one where the first never had the call, nothing read or added. */
import type { Call } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { type AnyIterator, discard, iteratorOf } from "../iteration.ts";
import type { Attempt } from "./attempt.ts";
import { createRequests } from "./requests.ts";
import { type Trying, tryEach } from "./retry.ts";

/**
 * Passes a call with streams both ways on to an instance of `service`; resolves when its first reply is there, or its end.
 * @throws MicrorunError what the callee said, or why it cannot be reached
 */
export type Forward = (service: string, call: Call) => Promise<AsyncIterable<unknown>>;

export function createForward(trying: Trying): Forward {
  return async (service, asked) => {
    const requests = createRequests(asked.request);
    const call: Call = { ...partsOf(asked), request: requests.stream };
    try {
      return await tryEach(
        trying,
        service,
        { call, requests },
        {},
        {
          async make(attempt) {
            const replies = iteratorOf(await attempt.dispatch());
            if (replies === undefined) throw new MicrorunError("internal", `${call.service}: no stream`);
            const first = await replies.next();
            attempt.answered();
            return passed(first, replies, attempt, () => requests.end());
          },
        },
      );
    } catch (error) {
      requests.end();
      throw requests.failure() ?? error;
    }
  };
}

/** Of a call whose parts are made when they are looked at. */
function partsOf({ service, method, metadata, signal, deadline, reply, type }: Call): Omit<Call, "request"> {
  return {
    ...{ service, method, metadata, signal },
    ...(deadline === undefined ? {} : { deadline }),
    ...(reply === undefined ? {} : { reply }),
    ...(type === undefined ? {} : { type }),
  };
}

/** No generator: one that nobody began to read would never hear that it is over. */
function passed(
  first: IteratorResult<unknown>,
  replies: AnyIterator,
  attempt: Attempt,
  last: () => void,
): AsyncIterable<unknown> {
  let held: IteratorResult<unknown> | undefined = first;
  let over = false;
  const end = (failure?: unknown): void => {
    if (over) return;
    over = true;
    last();
    attempt.end(failure);
  };
  const iterator: AsyncIterator<unknown> = {
    async next() {
      if (over) return { done: true, value: undefined };
      try {
        const next = held ?? (await replies.next());
        held = undefined;
        if (next.done) end();
        return next;
      } catch (error) {
        end(error);
        throw error;
      }
    },
    // a reader who leaves early is as good as an end
    async return() {
      discard(replies);
      end();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

/** Calls out: each within its deadline, carrying on what the caller brought, at an instance that the selector picks. */
import { MicrorunError } from "../errors.ts";
import { type AnyIterator, discard, iteratorOf } from "../iteration.ts";
import type { Selector } from "../selector/selector.ts";
import type { Attempt } from "./attempt.ts";
import { createRetryBudget, type RetryBudget } from "./budget.ts";
import type { Client } from "./client.ts";
import type { Methods } from "./methods.ts";
import { type Asked, type Origin, type Outgoing, outgoing } from "./outgoing.ts";
import type { Pool } from "./pool.ts";
import { tryEach } from "./retry.ts";

export type { Origin } from "./outgoing.ts";

export interface ClientOptions {
  readonly selector: Selector;
  readonly pool: Pool;
  /** This service's own name, told as `micro-from-service`. */
  readonly from: string;
  /** @default 5000 */
  readonly requestTimeoutMs?: number;
  /** More tries after a failed one, where repeating is safe. @default 1 */
  readonly retries?: number;
  /** Shared by clients that are made for one call each. @default one of its own */
  readonly budget?: RetryBudget;
  /** The methods of known `.proto` files: they travel as protobuf. @default none: JSON */
  readonly methods?: Methods;
}

interface Begun {
  readonly attempt: Attempt;
  readonly replies: AnyIterator;
  readonly first: IteratorResult<unknown>;
}

/** @param origin absent: nothing to carry on */
export function createClient(options: ClientOptions, origin?: Origin): Client {
  const { selector, pool, retries = 1, budget = createRetryBudget() } = options;
  const trying = { selector, pool, retries, budget };

  const each = <T>(asked: Asked, out: Outgoing, once: (attempt: Attempt) => Promise<T>): Promise<T> =>
    tryEach(trying, asked.service, out, asked.how, async (attempt) => {
      try {
        return await once(attempt);
      } catch (error) {
        attempt.end(error);
        throw error;
      }
    });

  const call = async (asked: Asked): Promise<unknown> => {
    const out = outgoing(asked, options, origin);
    try {
      return await each(asked, out, async (attempt) => {
        const reply = asJson(out, await attempt.dispatch());
        attempt.end();
        return reply;
      });
    } catch (error) {
      throw out.requests?.failure() ?? error;
    } finally {
      out.requests?.end();
    }
  };

  async function* stream(asked: Asked): AsyncGenerator<unknown> {
    const out = outgoing(asked, options, origin);
    let begun: Begun | undefined;
    // a reader who leaves early is as good as an end
    let failure: unknown;
    try {
      begun = await each(asked, out, (attempt) => begin(attempt, out));
      for (let next = begun.first; !next.done; next = await begun.replies.next())
        yield asJson(out, next.value);
    } catch (error) {
      failure = error;
      throw out.requests?.failure() ?? error;
    } finally {
      out.requests?.end();
      discard(begun?.replies);
      begun?.attempt.end(failure);
    }
  }

  return {
    // biome-ignore lint/suspicious/noExplicitAny: as in the contract
    call: async (service, endpoint, request, how = {}): Promise<any> =>
      call({ service, endpoint, request, how, stream: false }),
    // biome-ignore lint/suspicious/noExplicitAny: as in the contract
    stream: (service, endpoint, request, how = {}): AsyncIterable<any> =>
      readOnce(`${service} ${endpoint}`, stream({ service, endpoint, request, how, stream: true })),
  };
}

/** A second reader would find nothing, and take it for the end. */
function readOnce<T>(name: string, replies: AsyncIterable<T>): AsyncIterable<T> {
  let read = false;
  return {
    [Symbol.asyncIterator]() {
      if (read)
        throw new MicrorunError("failed_precondition", `${name}: its replies were read already`, {
          hint: "call client.stream again, or collect the replies in a list",
        });
      read = true;
      return replies[Symbol.asyncIterator]();
    },
  };
}

/** Up to the first message: until then it may be tried elsewhere. */
async function begin(attempt: Attempt, { call }: Outgoing): Promise<Begun> {
  const reply = await attempt.dispatch();
  // one reply is a stream of one
  const replies = iteratorOf(call.type?.responseStream ? reply : [reply]);
  if (replies === undefined) throw new MicrorunError("internal", `${call.service}.${call.method}: no stream`);
  const first = await replies.next();
  attempt.answered();
  return { attempt, replies, first };
}

/** The same values whatever travelled: those of JSON. */
function asJson({ call: { type } }: Outgoing, reply: unknown): unknown {
  return type === undefined ? reply : type.response.toJson(reply);
}

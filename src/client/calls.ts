/** Calls out: each within its deadline, carrying on what the caller brought, at an instance that the selector picks. */
import type { Call, Dispatch, Middleware } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { iteratorOf } from "../iteration.ts";
import type { Selector } from "../selector/selector.ts";
import { type Asked, unsaid } from "./asked.ts";
import { createRetryBudget, type RetryBudget } from "./budget.ts";
import type { Client } from "./client.ts";
import type { Methods } from "./methods.ts";
import { createOutgoing, type Origin, type Outgoing } from "./outgoing.ts";
import type { Pool } from "./pool.ts";
import { type Begun, createReplies } from "./replies.ts";
import type { Requests } from "./requests.ts";
import { type Try, tryEach } from "./retry.ts";

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
  /** Around each call, its retries inside. @default none */
  readonly middleware?: Middleware;
}

/** How a call goes on when it has passed the middleware. */
type Way = (call: Call) => Promise<unknown>;

/** Of the call being served, if there is one: what of it goes on. */
export type ClientOf = (origin?: Origin) => Client;

/** Clients of one call each share what they learn. */
export function createClients(options: ClientOptions): ClientOf {
  const { selector, pool, retries = 1, budget = createRetryBudget() } = options;
  const trying = { selector, pool, retries, budget };
  const outgoing = createOutgoing(options);

  const pass = options.middleware?.(goOn);
  const passed = ({ call }: Outgoing, { service, how }: Asked, way: Way, pass: Dispatch): Promise<unknown> =>
    pass({ ...call, target: how.address ?? service, way });

  const call = (asked: Asked, origin: Origin | undefined): Promise<unknown> => {
    const out = outgoing(asked, origin);
    const reply =
      pass === undefined
        ? tryEach(trying, asked.service, out, asked.how, unary)
        : passed(
            out,
            asked,
            (call) => tryEach(trying, asked.service, { ...out, call }, asked.how, unary),
            pass,
          );
    return out.requests === undefined ? reply : untilAnswered(out.requests, reply);
  };
  const begin = async (asked: Asked, out: Outgoing): Promise<Begun> => {
    try {
      return await tryEach(trying, asked.service, out, asked.how, streamed(out));
    } catch (error) {
      const failure = out.requests?.failure();
      out.requests?.end();
      throw failure ?? error;
    }
  };
  const replies = (asked: Asked, origin: Origin | undefined): AsyncIterator<unknown> => {
    const out = (): Outgoing => outgoing(asked, origin);
    if (pass === undefined) return createReplies(async () => begin(asked, out()));
    return opened(async () => {
      const own = out();
      const make: Way = async (call) => ({
        [Symbol.asyncIterator]: () => createReplies(() => begin(asked, { ...own, call })),
      });
      try {
        return (await passed(own, asked, make, pass)) as AsyncIterable<unknown>;
      } catch (error) {
        own.requests?.end();
        throw error;
      }
    });
  };

  return (origin) => ({
    // biome-ignore lint/suspicious/noExplicitAny: as in the contract
    call(service, endpoint, request, how = unsaid): Promise<any> {
      try {
        return call({ service, endpoint, request, how, stream: false }, origin);
      } catch (error) {
        return Promise.reject(error);
      }
    },
    // biome-ignore lint/suspicious/noExplicitAny: as in the contract
    stream(service, endpoint, request, how = unsaid): AsyncIterable<any> {
      const asked = { service, endpoint, request, how, stream: true };
      return readOnce(`${service} ${endpoint}`, () => replies(asked, origin));
    },
  });
}

/** @param origin absent: nothing to carry on */
export function createClient(options: ClientOptions, origin?: Origin): Client {
  return createClients(options)(origin);
}

/** The innermost of the middleware. */
async function goOn(call: Call): Promise<unknown> {
  if (typeof call.way === "function") return (call.way as Way)(call);
  throw new MicrorunError(
    "internal",
    "clientMiddleware: the call that it passes on is not the one that it was given",
    {
      hint: "change calls by changedCall(call, { metadata })",
    },
  );
}

/** The call is made when it is first read. */
async function* opened(open: () => Promise<AsyncIterable<unknown>>): AsyncGenerator<unknown> {
  yield* await open();
}

const unary: Try<unknown> = {
  make: (attempt) => attempt.dispatch(),
  made: (attempt) => attempt.end(),
};

/** Up to the first message: until then it may be tried elsewhere. */
function streamed({ call, requests }: Outgoing): Try<Begun> {
  return {
    async make(attempt) {
      const reply = await attempt.dispatch();
      // one reply is a stream of one
      const replies = iteratorOf(call.type?.responseStream ? reply : [reply]);
      if (replies === undefined)
        throw new MicrorunError("internal", `${call.service}.${call.method}: no stream`);
      const first = await replies.next();
      attempt.answered();
      return { attempt, requests, replies, first };
    },
  };
}

async function untilAnswered(requests: Requests, reply: Promise<unknown>): Promise<unknown> {
  try {
    return await reply;
  } catch (error) {
    throw requests.failure() ?? error;
  } finally {
    requests.end();
  }
}

/** A second reader would find nothing, and take it for the end. */
function readOnce<T>(name: string, open: () => AsyncIterator<T>): AsyncIterable<T> {
  let read = false;
  return {
    [Symbol.asyncIterator]() {
      if (read)
        throw new MicrorunError("failed_precondition", `${name}: its replies were read already`, {
          hint: "call client.stream again, or collect the replies in a list",
        });
      read = true;
      return open();
    },
  };
}

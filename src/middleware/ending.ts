/** When a call has ended, and how: with its reply, or with the last message of a streamed one. */
import type { Call, Dispatch } from "../call.ts";
import { abortReason, type Code, MicrorunError } from "../errors.ts";
import { isStream } from "../iteration.ts";

/**
 * Asks `next`, and tells once how it went.
 * @param ended `error` is absent where it went well
 */
export function untilEnd(next: Dispatch, call: Call, ended: (error?: unknown) => void): Promise<unknown> {
  return next(call).then(
    (reply) => {
      if (isStream(reply)) return watched(reply, call, ended);
      ended();
      return reply;
    },
    (error: unknown) => {
      ended(error);
      throw error;
    },
  );
}

export function codeOf(error: unknown): Code | "ok" {
  return error === undefined ? "ok" : MicrorunError.from(error).code;
}

function watched(
  replies: AsyncIterable<unknown>,
  call: Call,
  ended: (error?: unknown) => void,
): AsyncIterable<unknown> {
  let over = false;
  const end = (error?: unknown): void => {
    if (over) return;
    over = true;
    call.signal.removeEventListener("abort", left);
    ended(error);
  };
  // a reader who has left asks for nothing more
  const left = (): void => end(abortReason(call.signal));
  call.signal.addEventListener("abort", left);
  if (call.signal.aborted) left();
  let iterator: AsyncIterator<unknown> | undefined;
  const own: AsyncIterableIterator<unknown> = {
    [Symbol.asyncIterator]: () => own,
    async next() {
      try {
        iterator ??= replies[Symbol.asyncIterator]();
        const result = await iterator.next();
        if (result.done) end();
        return result;
      } catch (error) {
        end(error);
        throw error;
      }
    },
    async return() {
      end();
      await iterator?.return?.();
      return { done: true, value: undefined };
    },
  };
  return own;
}

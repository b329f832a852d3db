/** The time that the server itself gives a call, whatever its caller gives it. */
import type { Call, Middleware } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { maxTimerMs } from "../wait.ts";

/**
 * Answers `deadline_exceeded` when the time is over, whether the handler settles or not. Calls that stream may take as long as
 * they like: a watch is no slow answer.
 * @param limitMs asked at each call; 0: none
 */
export function limitTime(limitMs: () => number): Middleware {
  return (next) => (call) => {
    const ms = limitMs();
    const streams = call.type?.requestStream || call.type?.responseStream;
    if (ms <= 0 || ms > maxTimerMs || streams) return next(call);
    const deadline = Date.now() + ms;
    // the caller's own is sooner, and the transport keeps it
    if (call.deadline !== undefined && call.deadline <= deadline) return next(call);
    const over = Promise.withResolvers<never>();
    const stop = new AbortController();
    const timer = setTimeout(() => {
      const late = new MicrorunError("deadline_exceeded", `not answered within the server's ${ms} ms`);
      stop.abort(late);
      over.reject(late);
    }, ms);
    const answer = next(limited(call, deadline, stop.signal));
    return Promise.race([answer, over.promise]).finally(() => clearTimeout(timer));
  };
}

/** What costs to be made is still made when first looked at. */
function limited(call: Call, deadline: number, stop: AbortSignal): Call {
  let signal: AbortSignal | undefined;
  return {
    service: call.service,
    method: call.method,
    request: call.request,
    get metadata() {
      return call.metadata;
    },
    get signal() {
      signal ??= AbortSignal.any([call.signal, stop]);
      return signal;
    },
    deadline,
    ...(call.peer === undefined ? {} : { peer: call.peer }),
    ...(call.reply === undefined ? {} : { reply: call.reply }),
    ...(call.type === undefined ? {} : { type: call.type }),
  };
}

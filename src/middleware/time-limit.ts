/** The time that the server itself gives a call, whatever its caller gives it. */
import type { Call, Middleware } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { maxTimerMs } from "../wait.ts";
import { changedCall } from "./changed-call.ts";

/**
 * Answers `deadline_exceeded` when the time is over, whether the handler settles or not. Calls that stream may take as long as
 * they like: a watch is no slow answer.
 * @param limitMs asked at each call; 0: none
 * @param whose limit it is, as a message says it
 */
export function limitTime(limitMs: (call: Call) => number, whose = "the server's"): Middleware {
  return (next) => (call) => {
    const ms = limitMs(call);
    const streams = call.type?.requestStream || call.type?.responseStream;
    if (ms <= 0 || ms > maxTimerMs || streams) return next(call);
    const deadline = Date.now() + ms;
    // the caller's own is sooner, and the transport keeps it
    if (call.deadline !== undefined && call.deadline <= deadline) return next(call);
    const over = Promise.withResolvers<never>();
    const stop = new AbortController();
    const timer = setTimeout(() => {
      const late = new MicrorunError("deadline_exceeded", `not answered within ${whose} ${ms} ms`);
      stop.abort(late);
      over.reject(late);
    }, ms);
    const signal = (): AbortSignal => AbortSignal.any([call.signal, stop.signal]);
    const answer = next(changedCall(call, { deadline, signal }));
    return Promise.race([answer, over.promise]).finally(() => clearTimeout(timer));
  };
}

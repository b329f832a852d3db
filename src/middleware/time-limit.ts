/** The time that the server itself gives a call, whatever its caller gives it. */
import type { Call, Dispatch, Middleware } from "../call.ts";
import { createDeadlines, type Deadlines, type Expiring } from "../deadlines.ts";
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
  const deadlines = createDeadlines();
  return (next) => (call) => {
    const ms = limitMs(call);
    const streams = call.type?.requestStream || call.type?.responseStream;
    if (ms <= 0 || ms > maxTimerMs || streams) return next(call);
    const deadline = Date.now() + ms;
    // the caller's own is sooner, and the transport keeps it
    if (call.deadline !== undefined && call.deadline <= deadline) return next(call);
    return new TimedCall(call, deadline, deadlines, `not answered within ${whose} ${ms} ms`).answer(next);
  };
}

/** A class, as every call makes one. */
class TimedCall implements Expiring {
  private readonly call: Call;
  private readonly deadline: number;
  private readonly deadlines: Deadlines;
  private readonly why: string;
  private readonly reply: PromiseWithResolvers<unknown> = Promise.withResolvers();
  private stop: AbortController | undefined = undefined;
  private late: MicrorunError | undefined = undefined;

  constructor(call: Call, deadline: number, deadlines: Deadlines, why: string) {
    this.call = call;
    this.deadline = deadline;
    this.deadlines = deadlines;
    this.why = why;
  }

  answer(next: Dispatch): Promise<unknown> {
    const { call, deadline, deadlines, reply } = this;
    deadlines.add(deadline, this);
    next(changedCall(call, { deadline, signal: () => this.signal() })).then(
      (value) => {
        deadlines.remove(deadline, this);
        reply.resolve(value);
      },
      (error: unknown) => {
        deadlines.remove(deadline, this);
        reply.reject(error);
      },
    );
    return reply.promise;
  }

  expire(): void {
    this.late = new MicrorunError("deadline_exceeded", this.why);
    this.stop?.abort(this.late);
    this.reply.reject(this.late);
  }

  /** Made when first looked at: it costs as much as the call. */
  private signal(): AbortSignal {
    this.stop ??= new AbortController();
    if (this.late !== undefined) this.stop.abort(this.late);
    return AbortSignal.any([this.call.signal, this.stop.signal]);
  }
}

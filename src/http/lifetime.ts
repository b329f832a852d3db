/** The time a request has: until its deadline, its caller's leaving or the server's stop, whichever comes first. */
import { MicrorunError } from "../errors.ts";
import { maxTimerMs } from "../wait.ts";

/** Disposing it says that the request is answered: nothing is aborted any more. */
export interface Lifetime extends Disposable {
  /** Milliseconds since the epoch. */
  readonly deadline: number | undefined;
  /** Aborted when the time is over; its reason is a MicrorunError. The caller is watched only once this is asked for. */
  readonly signal: AbortSignal;
  /** Settles as `work`, or rejects with the reason as soon as the time is over, whether `work` ever settles or not. */
  during<T>(work: () => Promise<T>): Promise<T>;
  /** Ends it: the caller has left. */
  cancel(): void;
}

export function createLifetime(
  request: Request,
  timeoutMs: number | undefined,
  stop: AbortSignal | undefined,
): Lifetime {
  let reason: MicrorunError | undefined;
  let answered = false;
  let controller: AbortController | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const rejects = new Set<(reason: MicrorunError) => void>();

  const end = (why: MicrorunError): void => {
    if (answered || reason !== undefined) return;
    reason = why;
    controller?.abort(why);
    for (const reject of rejects) reject(why);
  };
  const stopped = (): void => end(MicrorunError.from(stop?.reason));
  const cancel = (): void => end(new MicrorunError("cancelled", "the caller cancelled the request"));

  if (stop?.aborted) stopped();
  else stop?.addEventListener("abort", stopped);
  if (timeoutMs !== undefined && timeoutMs <= maxTimerMs) {
    const late = (): void => end(new MicrorunError("deadline_exceeded", "the deadline is over"));
    if (timeoutMs <= 0) late();
    else timer = setTimeout(late, timeoutMs);
  }

  return {
    deadline: timeoutMs === undefined ? undefined : Date.now() + timeoutMs,
    get signal() {
      if (controller === undefined) {
        controller = new AbortController();
        if (reason !== undefined) controller.abort(reason);
        else if (request.signal.aborted) cancel();
        else request.signal.addEventListener("abort", cancel, { once: true });
      }
      return controller.signal;
    },
    async during(work) {
      if (reason !== undefined) throw reason;
      const over = Promise.withResolvers<never>();
      rejects.add(over.reject);
      try {
        return await Promise.race([work(), over.promise]);
      } finally {
        rejects.delete(over.reject);
      }
    },
    cancel,
    [Symbol.dispose]() {
      answered = true;
      clearTimeout(timer);
      stop?.removeEventListener("abort", stopped);
    },
  };
}

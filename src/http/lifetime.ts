/** The time a request has: until its deadline, its caller's leaving or the server's stop, whichever comes first. */
import { MicrorunError } from "../errors.ts";
import { maxTimerMs } from "../wait.ts";

/** Disposing it says that the request is answered: nothing is aborted any more. */
export interface Lifetime extends Disposable {
  /** Milliseconds since the epoch. */
  readonly deadline: number | undefined;
  /** Aborted when the time is over; its reason is a MicrorunError. The caller is watched only once this is asked for. */
  readonly signal: AbortSignal;
  /** Calls `ended` as soon as the time is over: at once when it is. */
  watch(ended: (reason: MicrorunError) => void): void;
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
  return new RequestLifetime(request, timeoutMs, stop);
}

/** What a server's stop ends: one listener for all, as adding one for each request costs more than the rest of it. */
const stopped = new WeakMap<AbortSignal, Set<RequestLifetime>>();

function lifetimesUntil(stop: AbortSignal): Set<RequestLifetime> {
  const known = stopped.get(stop);
  if (known !== undefined) return known;
  const lifetimes = new Set<RequestLifetime>();
  stopped.set(stop, lifetimes);
  stop.addEventListener("abort", () => {
    for (const lifetime of lifetimes) lifetime.end(MicrorunError.from(stop.reason));
  });
  return lifetimes;
}

/** A class, as every request makes one. */
class RequestLifetime implements Lifetime {
  readonly deadline: number | undefined;
  readonly #request: Request;
  readonly #others: Set<RequestLifetime> | undefined;
  #reason: MicrorunError | undefined = undefined;
  #answered = false;
  #controller: AbortController | undefined = undefined;
  #timer: ReturnType<typeof setTimeout> | undefined = undefined;
  /** Most have one. */
  readonly #watchers: ((reason: MicrorunError) => void)[] = [];

  constructor(request: Request, timeoutMs: number | undefined, stop: AbortSignal | undefined) {
    this.#request = request;
    this.deadline = timeoutMs === undefined ? undefined : Date.now() + timeoutMs;
    this.#others = stop && lifetimesUntil(stop);
    this.#others?.add(this);
    if (stop?.aborted) this.end(MicrorunError.from(stop.reason));
    if (timeoutMs === undefined || timeoutMs > maxTimerMs) return;
    const late = (): void => this.end(new MicrorunError("deadline_exceeded", "the deadline is over"));
    if (timeoutMs <= 0) late();
    else this.#timer = setTimeout(late, timeoutMs);
  }

  end(reason: MicrorunError): void {
    if (this.#answered || this.#reason !== undefined) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
    for (const ended of this.#watchers) ended(reason);
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      const { signal } = this.#request;
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
      else if (signal.aborted) this.cancel();
      else signal.addEventListener("abort", () => this.cancel(), { once: true });
    }
    return this.#controller.signal;
  }

  watch(ended: (reason: MicrorunError) => void): void {
    if (this.#reason !== undefined) ended(this.#reason);
    else this.#watchers.push(ended);
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    if (this.#reason !== undefined) throw this.#reason;
    const over = Promise.withResolvers<never>();
    this.watch(over.reject);
    try {
      return await Promise.race([work(), over.promise]);
    } finally {
      this.#watchers.splice(this.#watchers.indexOf(over.reject), 1);
    }
  }

  cancel(): void {
    this.end(new MicrorunError("cancelled", "the caller cancelled the request"));
  }

  [Symbol.dispose](): void {
    this.#answered = true;
    clearTimeout(this.#timer);
    this.#others?.delete(this);
  }
}

/** One try of a call: an instance picked, a connection used, and how it went told to the selector, once. */
import type { Call } from "../call.ts";
import { abortReason, MicrorunError } from "../errors.ts";
import type { Selector, Wish } from "../selector/selector.ts";
import { maxTimerMs } from "../wait.ts";
import type { Lease, Pool } from "./pool.ts";

export interface Attempt {
  readonly address: string;
  dispatch(): Promise<unknown>;
  /** The first message is here. */
  answered(): void;
  /** @param error undefined: it went well; `cancelled`: nothing is said of the instance */
  end(error?: unknown): void;
  /** It is not made. */
  drop(): void;
  /** The connection takes no more calls. */
  retire(): void;
}

export interface Picking {
  readonly selector: Selector;
  readonly pool: Pool;
  /** Called whatever the selector says. */
  readonly address?: string;
}

/** @throws MicrorunError what the selector throws, or rejects with it or with the end of the call that came before */
export function begin(picking: Picking, service: string, wish: Wish, call: Call): Attempt | Promise<Attempt> {
  const { selector, address } = picking;
  if (address !== undefined) return new OneAttempt(picking, address, call);
  const picked = selector.pick(service, wish);
  if (typeof picked === "string") return new OneAttempt(picking, picked, call);
  return pick(selector, picked, call).then((target) => new OneAttempt(picking, target, call));
}

/** A class, as every call makes one. */
class OneAttempt implements Attempt {
  readonly address: string;
  private readonly picking: Picking;
  private readonly call: Call;
  private readonly beganAt: number = performance.now();
  private lease: Lease | undefined = undefined;
  private ms: number | undefined = undefined;
  private connecting = false;
  private over = false;

  constructor(picking: Picking, address: string, call: Call) {
    this.picking = picking;
    this.address = address;
    this.call = call;
  }

  dispatch(): Promise<unknown> {
    const lease = this.picking.pool.connection(this.address);
    this.lease = lease;
    this.connecting = !lease.warm;
    return lease.dispatch(this.call);
  }

  answered(): void {
    this.ms = performance.now() - this.beganAt;
  }

  end(error?: unknown): void {
    if (this.over) return;
    this.over = true;
    this.lease?.release(isAnswer(error));
    const { selector, address } = this.picking;
    if (address !== undefined || selector.report === undefined) return;
    const ms = this.ms ?? performance.now() - this.beganAt;
    selector.report(this.address, told(error, this.call.signal), ms, this.connecting);
  }

  drop(): void {
    this.end(unused());
  }

  retire(): void {
    this.lease?.retire();
  }
}

async function pick(selector: Selector, picked: Promise<string>, call: Call): Promise<string> {
  const late = (address: string): void => selector.report?.(address, unused(), 0);
  return unlessOver(call, picked).catch((error: unknown) => {
    picked.then(late, () => {});
    throw error;
  });
}

/** Ended by our side for reasons of its own, which say nothing of the instance. A deadline does: it was slow. */
function told(error: unknown, signal: AbortSignal): unknown {
  if (error === undefined || !signal.aborted) return error;
  const { code } = abortReason(signal);
  return code === "cancelled" || code === "deadline_exceeded" ? error : unused();
}

/** The callee had the call. */
function isAnswer(error: unknown): boolean {
  if (!(error instanceof MicrorunError)) return error === undefined;
  return !error.unsent && error.code !== "cancelled";
}

/** What selectors take for nothing said. */
function unused(): MicrorunError {
  return new MicrorunError("cancelled", "the call ended before it was made");
}

/** Settles as `work` does, or with the end of the call if that comes first. */
export async function unlessOver<T>({ signal, deadline }: Call, work: Promise<T>): Promise<T> {
  if (signal.aborted) throw abortReason(signal);
  const over = Promise.withResolvers<never>();
  const onAbort = (): void => over.reject(abortReason(signal));
  signal.addEventListener("abort", onAbort);
  const ms = (deadline ?? Number.POSITIVE_INFINITY) - Date.now();
  const late = (): void => over.reject(new MicrorunError("deadline_exceeded", "deadline exceeded"));
  const timer = ms > maxTimerMs ? undefined : setTimeout(late, Math.max(ms, 0));
  try {
    return await Promise.race([work, over.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}

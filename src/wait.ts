/** Bounded waits. */
import { MicrorunError } from "./errors.ts";

/** The longest a timer can be set for, in ms; who waits longer than these 24 days is not timed. */
export const maxTimerMs: number = 2 ** 31 - 1;

/** Settles as `work` does, or rejects with `deadline_exceeded` after `ms`; `work` itself goes on. */
export async function within<T>(ms: number, what: string, work: Promise<T> | T): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new MicrorunError("deadline_exceeded", `${what}: not done after ${ms} ms`)),
    ms,
  );
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves after `ms`, or at once when aborted. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (ms <= 0 || signal?.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const woken = (): void => resolve();
  signal?.addEventListener("abort", woken, { once: true });
  await promise;
  signal?.removeEventListener("abort", woken);
  clearTimeout(timer);
}

/** Resolves when aborted. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

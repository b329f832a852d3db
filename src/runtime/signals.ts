/** What ends a process from outside or by accident: signals, and errors that nobody caught. */
import { MicrorunError } from "../errors.ts";
import type { Log } from "../log.ts";

export interface Signals extends Disposable {
  /** Aborted at the first SIGTERM or SIGINT, or by an uncaught error. A second signal exits at once, but not an echo. */
  readonly stop: AbortSignal;
  /** An uncaught error was the reason. */
  readonly failed: boolean;
}

const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;
/** `timeout`, and what hands on a signal that went to its whole group, send the same one twice; nobody means that. */
const echoMs = 50;

/**
 * @param told says when to stop in place of signals, which then mean nothing: they are the parent's, and a terminal or a supervisor
 * sends them to all processes at once
 */
export function takeSignals(log: Log, told?: AbortSignal): Signals {
  const stop = new AbortController();
  let failed = false;
  let signalledAt = Number.NEGATIVE_INFINITY;
  const obey = (): void => stop.abort(told?.reason);
  if (told?.aborted) obey();
  told?.addEventListener("abort", obey);
  const onSignal = (signal: keyof typeof exitCodes): void => {
    if (told !== undefined) return;
    if (performance.now() - signalledAt < echoMs) return;
    if (stop.signal.aborted) {
      log.warn(`${signal} again: exiting without waiting`);
      process.exit(exitCodes[signal]);
    }
    signalledAt = performance.now();
    stop.abort(new MicrorunError("unavailable", signal));
  };
  const onError = (error: unknown): void => {
    failed = true;
    log.error("uncaught error", { error });
    stop.abort(new MicrorunError("internal", "uncaught error", { cause: error }));
  };
  const handlers = [
    ["SIGTERM", () => onSignal("SIGTERM")],
    ["SIGINT", () => onSignal("SIGINT")],
    ["uncaughtException", onError],
    ["unhandledRejection", onError],
  ] as const;
  for (const [event, handler] of handlers) process.on(event, handler);
  return {
    stop: stop.signal,
    get failed() {
      return failed;
    },
    [Symbol.dispose]() {
      told?.removeEventListener("abort", obey);
      for (const [event, handler] of handlers) process.off(event, handler);
    },
  };
}

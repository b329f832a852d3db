/** The life of one instance: it is started, started again when it crashes or its files change, and stopped. */
import { pause as realPause } from "../wait.ts";
import type { Process } from "./process.ts";

/** The first pause before what crashed is started again; it doubles with each time. */
export const minBackoffMs = 200;
export const maxBackoffMs = 10_000;
/** What has run for so long crashed for another reason than the time before. */
export const steadyMs = 30_000;
/** How long a stop may take before it is forced: longer than the calls under way may. */
export const maxStopMs = 20_000;
/** How long others wait until it is ready. */
export const maxReadyMs = 30_000;
/** Exit code of what was asked wrongly: it will be again. */
const askedWrongly = 2;

export interface MemberOptions {
  readonly start: () => Process;
  /** Resolves when it is ready, however late, or when aborted. Absent: it is as soon as it runs. */
  readonly answers?: (signal: AbortSignal) => Promise<void>;
  /** Something restarts it when it changes. */
  readonly isWatched: boolean;
  readonly say: (text: string) => void;
  /** In ms since the epoch. @default Date.now */
  readonly now?: () => number;
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface Member {
  start(): void;
  /** True: it is ready. False: it has been stopped, or was not in time. */
  readonly ready: Promise<boolean>;
  /** Without effect before `start`. */
  restart(): void;
  /** Resolves when it has ended. */
  stop(): Promise<void>;
  /** Ends it at once. */
  kill(): void;
}

export function createMember(options: MemberOptions): Member {
  const { start, answers, isWatched, say, now = Date.now, pause = realPause } = options;
  const { promise: ready, resolve: tellReady } = Promise.withResolvers<boolean>();
  const stopping = new AbortController();
  let life: Promise<void> | undefined;
  let running: Process | undefined;
  let ending: Process | undefined;
  let restarting = false;
  let changed = new AbortController();
  let crashes = 0;

  async function live(): Promise<void> {
    while (!stopping.signal.aborted) {
      const bornAt = now();
      running = start();
      const code = await running.ended;
      running = undefined;
      if (now() - bornAt >= steadyMs) crashes = 0;
      if (stopping.signal.aborted) return;
      if (restarting) restarting = false;
      else await rest(code);
    }
  }

  /** Until it shall run again. */
  async function rest(code: number): Promise<void> {
    changed = new AbortController();
    const woken = AbortSignal.any([changed.signal, stopping.signal]);
    if (code === 0 || code === askedWrongly) {
      const wait = isWatched ? "waiting for a change" : "it is not started again";
      say(code === 0 ? `has ended: ${wait}` : `ended with code ${code}: ${wait}`);
      await new Promise<void>((wake) => woken.addEventListener("abort", () => wake(), { once: true }));
    } else {
      const ms = Math.min(maxBackoffMs, minBackoffMs * 2 ** crashes++);
      say(
        `ended with code ${code}: it starts again in ${ms} ms${isWatched ? ", or at the next change" : ""}`,
      );
      await pause(ms, woken);
    }
  }

  async function awaitReady(): Promise<void> {
    if (answers === undefined) return tellReady(true);
    const answered = answers(stopping.signal).then(() => !stopping.signal.aborted);
    const done = new AbortController();
    const late = pause(maxReadyMs, AbortSignal.any([stopping.signal, done.signal])).then(() => false);
    tellReady(await Promise.race([answered, late]));
    done.abort();
  }

  const end = async (process: Process | undefined): Promise<void> => {
    // told twice, it would not wait for its calls
    if (process === undefined || process === ending) return;
    ending = process;
    process.stop();
    const ended = new AbortController();
    void process.ended.then(() => ended.abort());
    await pause(maxStopMs, ended.signal);
    if (ended.signal.aborted) return;
    say(`does not stop within ${maxStopMs} ms: it is killed`);
    process.kill();
  };

  return {
    ready,
    start() {
      if (stopping.signal.aborted) return;
      life ??= live();
      void awaitReady();
    },
    restart() {
      if (life === undefined || restarting) return;
      crashes = 0;
      changed.abort();
      restarting = running !== undefined;
      void end(running);
    },
    async stop() {
      stopping.abort();
      tellReady(false);
      void end(running);
      await life;
    },
    kill() {
      stopping.abort();
      running?.kill();
    },
  };
}

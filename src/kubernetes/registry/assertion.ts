/** Something that is written to the API server and written again, until it is taken back: one request at a time, in order. */
import { MicrorunError } from "../../errors.ts";
import { pause } from "../../wait.ts";
import { backoff } from "../backoff.ts";

/** After a failure the next try comes within the first of these, after more within longer ones, up to the second. */
export const retryBounds = { firstMs: 500, lastMs: 10_000 } as const;
/** The first tries of taking it back follow each other faster: the process is about to end. */
export const withdrawRetryMs = 200;
/** How long one request may take. */
export const attemptMs = 10_000;
/** The same while it is taken back: a connection that has died unnoticed leaves time for another. */
export const withdrawAttemptMs = 900;
/** How far an interval is stretched or shortened, so that the Pods of a Deployment do not write all at once. */
const jitter = 0.1;

export interface AssertionOptions {
  /** What is wanted is gone: the next write takes it back, and is the last one. */
  readonly empty: () => boolean;
  /** Writes what is wanted now. */
  readonly write: (signal: AbortSignal) => Promise<void>;
  /** Told of each answer; undefined: it went well. */
  readonly answered: (error: MicrorunError | undefined) => void;
  /** How often it is written again; 0: once. */
  readonly intervalMs: number;
}

export interface Assertion {
  /** Writes now; resolves when what is wanted at this moment has been answered, well or badly. */
  write(): Promise<void>;
  /** Takes it back once `empty`: resolves with undefined when that is done, else after `ms` at most with what stood against it. */
  withdraw(ms: number): Promise<MicrorunError | undefined>;
  /** Writes no more, and takes nothing back. */
  end(): void;
}

export function assertion({ empty, write, answered, intervalMs }: AssertionOptions): Assertion {
  let asked = 0;
  let done = 0;
  let ended = false;
  let running: Promise<MicrorunError | undefined> | undefined;
  let attempt: AbortController | undefined;
  let asleep = new AbortController();
  let round = Promise.withResolvers<void>();

  /** Ends when there is nothing left to write; with why, when that failed. */
  const run = async (): Promise<MicrorunError | undefined> => {
    const retries = backoff(retryBounds);
    let error: MicrorunError | undefined;
    for (;;) {
      const turn = asked;
      const last = empty();
      error = await tryOnce(last ? withdrawAttemptMs : attemptMs);
      if (ended) break;
      if (error === undefined) retries.reset();
      answered(error);
      done = turn;
      round.resolve();
      round = Promise.withResolvers();
      if (turn !== asked) continue;
      if (last && (error === undefined || isFinal(error))) break;
      if (error === undefined && intervalMs <= 0) break;
      asleep = new AbortController();
      const retryMs = last ? withdrawRetryMs : retries.next();
      await pause(error === undefined ? varied(intervalMs) : retryMs, asleep.signal);
      if (ended) break;
    }
    running = undefined;
    round.resolve();
    return error;
  };
  const tryOnce = async (ms: number): Promise<MicrorunError | undefined> => {
    attempt = new AbortController();
    const { signal } = attempt;
    const late = setTimeout((one: AbortController) => one.abort(noAnswer(ms)), ms, attempt);
    try {
      await write(signal);
      return undefined;
    } catch (error) {
      return MicrorunError.from(signal.aborted ? signal.reason : error);
    } finally {
      clearTimeout(late);
    }
  };
  const wake = (): void => {
    asked++;
    asleep.abort();
    if (!ended) running ??= run();
  };
  const end = (): void => {
    ended = true;
    attempt?.abort();
    asleep.abort();
  };

  return {
    async write() {
      wake();
      const mine = asked;
      while (running !== undefined && done < mine) await round.promise;
    },
    async withdraw(ms) {
      wake();
      // a write that hangs must not land after this: it is cut off while there is time left
      const hanging = attempt;
      const cut = setTimeout(() => hanging?.abort(noAnswer(ms / 2)), ms / 2);
      const over = new AbortController();
      const error = await Promise.race([running, pause(ms, over.signal).then(() => noAnswer(ms))]);
      clearTimeout(cut);
      over.abort();
      // unless it is wanted again by now
      if (running !== undefined && empty()) end();
      return error;
    },
    end,
  };
}

/** The API server has answered, and will not answer otherwise in a moment. */
function isFinal({ code }: MicrorunError): boolean {
  return ["unauthenticated", "permission_denied", "not_found", "invalid_argument"].includes(code);
}

function noAnswer(ms: number): MicrorunError {
  return new MicrorunError("unavailable", `no answer from the API server after ${ms} ms`);
}

function varied(ms: number): number {
  return ms * (1 - jitter + 2 * jitter * Math.random());
}

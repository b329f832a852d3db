/** From a carrier to a handler: bounded concurrency and waiting, attempts with backoff, and an orderly end. */
import { errorText, MicrorunError } from "../errors.ts";
import type { Log } from "../log.ts";
import { pause } from "../wait.ts";
import { createBacklog } from "./backlog.ts";
import type { Intake, Letter, Outcome } from "./carrier.ts";

/** Letters that wait for a handler of one subscription, at most; NATS brings some thousand at a time. */
export const maxWaiting = 16_384;
/** The longest wait before another attempt, ms. */
export const maxBackoffMs = 30_000;

export interface DeliveryOptions {
  readonly concurrency: number;
  readonly attempts: number;
  readonly backoffMs: number;
  /** The carrier waits between attempts, not we. */
  readonly redelivers: boolean;
  /** @throws UnreadableError where another attempt would end the same */
  readonly handle: (letter: Letter, attempt: number, signal: AbortSignal) => Promise<void>;
  /** Takes what is given up. It must not throw. @returns whether it is set aside */
  readonly giveUp: (letter: Letter, error: unknown, attempts: number) => Promise<boolean>;
  readonly log: Log;
}

export interface Delivery extends Intake {
  /** Refuses what comes from now on, and waits for the rest as long as this; then handlers are told by their signal. */
  close(limitMs: number): Promise<void>;
}

/** A letter that no attempt can read. */
export class UnreadableError extends MicrorunError {
  constructor(why: string, hint?: string) {
    super("invalid_argument", why, hint === undefined ? {} : { hint });
  }
}

interface Waiting {
  readonly letter: Letter;
  readonly attempt: number;
  readonly settle: (outcome: Outcome) => void;
}

export function openDelivery(options: DeliveryOptions): Delivery {
  const { concurrency, attempts, backoffMs, redelivers, handle, giveUp, log } = options;
  const waiting = createBacklog<Waiting>(maxWaiting);
  const over = new AbortController();
  let running = 0;
  let closed = false;
  let idle = Promise.withResolvers<void>();

  async function attend({ letter, attempt }: Waiting): Promise<Outcome> {
    for (let count = attempt; ; count++) {
      let error: unknown;
      try {
        // one that takes the process with it comes again each time
        if (count > attempts) throw new MicrorunError("aborted", `not handled in ${attempts} attempts`);
        await handle(letter, count, over.signal);
        return "done";
      } catch (thrown) {
        error = thrown;
      }
      if (over.signal.aborted && redelivers) return { againMs: 0 };
      const wait = Math.min(backoffMs * 2 ** (count - 1), maxBackoffMs) * (0.75 + Math.random() / 2);
      if (count >= attempts || error instanceof UnreadableError || over.signal.aborted)
        return (await giveUp(letter, error, Math.min(count, attempts))) ? "done" : { againMs: wait };
      log.warn(`subscriber of ${letter.topic} failed, attempt ${count} of ${attempts}: ${errorText(error)}`);
      if (redelivers) return { againMs: wait };
      await pause(wait, over.signal);
    }
  }

  async function run(entry: Waiting): Promise<void> {
    running++;
    try {
      entry.settle(await attend(entry));
    } finally {
      running--;
      pump();
    }
  }

  function pump(): void {
    while (running < concurrency) {
      const entry = waiting.next();
      if (entry === undefined) break;
      void run(entry);
    }
    if (running === 0 && waiting.length === 0) idle.resolve();
  }

  return {
    get full() {
      return !closed && waiting.full;
    },
    room: (ms) => (closed ? Promise.resolve(true) : waiting.room(ms)),
    take(letter, attempt = 1) {
      if (closed) return Promise.resolve("refused");
      const { promise, resolve: settle } = Promise.withResolvers<Outcome>();
      waiting.add({ letter, attempt, settle }, letter.body.length);
      pump();
      return promise;
    },
    async close(limitMs) {
      closed = true;
      idle = Promise.withResolvers();
      pump();
      const late = new AbortController();
      await Promise.race([idle.promise, pause(limitMs, late.signal)]);
      late.abort();
      if (waiting.length > 0) log.warn(`${waiting.length} messages were not handled before the stop`);
      for (const { settle } of waiting.clear()) settle("refused");
      over.abort(new MicrorunError("unavailable", "the service is stopping"));
    },
  };
}

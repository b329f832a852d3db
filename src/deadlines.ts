/** The deadlines of many calls on one timer: each call has one, and almost none ever comes. */

/** What is told when its time is over. */
export interface Expiring {
  expire(): void;
}

export interface Deadlines {
  /** @param at milliseconds since the epoch; told up to `stepMs` later */
  add(at: number, what: Expiring): void;
  /** @param at as it was added; nothing happens when it is not there */
  remove(at: number, what: Expiring): void;
}

/** Deadlines nearer to each other than this share a step, in ms. */
const stepMs = 10;

/** One timer waits no longer than this, in ms: a clock that was set right is noticed. */
const maxWaitMs = 60_000;

/** One for all of a process' calls: a timer for each costs as much as the rest of a small call. */
export function createDeadlines(now: () => number = Date.now): Deadlines {
  /** By the number of the step at whose end they are due. */
  const steps = new Map<number, Set<Expiring>>();
  let count = 0;
  let timer: NodeJS.Timeout | undefined;
  let timerAt = Number.POSITIVE_INFINITY;

  const wait = (step: number): void => {
    const at = step * stepMs;
    if (at >= timerAt) return;
    clearTimeout(timer);
    timerAt = at;
    timer = setTimeout(look, Math.min(Math.max(at - now(), 0), maxWaitMs));
  };

  const look = (): void => {
    timer = undefined;
    timerAt = Number.POSITIVE_INFINITY;
    const current = Math.floor(now() / stepMs);
    const due: Set<Expiring>[] = [];
    let next = Number.POSITIVE_INFINITY;
    for (const [step, waiting] of steps) {
      if (waiting.size > 0 && step > current) {
        next = Math.min(next, step);
        continue;
      }
      steps.delete(step);
      count -= waiting.size;
      if (waiting.size > 0) due.push(waiting);
    }
    if (count > 0) wait(next);
    for (const waiting of due) for (const one of waiting) one.expire();
  };

  return {
    add(at, what) {
      const step = Math.ceil(at / stepMs);
      let waiting = steps.get(step);
      if (waiting === undefined) {
        waiting = new Set();
        steps.set(step, waiting);
      }
      waiting.add(what);
      if (count++ === 0) timer?.ref();
      wait(step);
    },
    remove(at, what) {
      if (!steps.get(Math.ceil(at / stepMs))?.delete(what)) return;
      // it may be wanted again at once: it is left to run, but keeps no process alive
      if (--count === 0) timer?.unref();
    },
  };
}

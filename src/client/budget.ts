/** How many tries may be made again: a part of the calls, so that an outage is not multiplied by those who meet it. */

/** Retries for each call made. */
const retriesPerCall = 0.2;

/** Retries that are saved up; as many are there at the start. */
const maxSaved = 10;

/** Retries that come with time, for those who call seldom. */
const retriesPerSecond = 1;

export interface RetryBudget {
  /** A call is made: what it earns. */
  earn(): void;
  /** False: there is none left. */
  spend(): boolean;
}

/** @param now a clock in ms */
export function createRetryBudget(now: () => number = () => performance.now()): RetryBudget {
  let saved = maxSaved;
  let seenAt = now();
  return {
    earn() {
      saved = Math.min(maxSaved, saved + retriesPerCall);
    },
    spend() {
      const at = now();
      saved = Math.min(maxSaved, saved + ((at - seenAt) / 1000) * retriesPerSecond);
      seenAt = at;
      if (saved < 1) return false;
      saved -= 1;
      return true;
    },
  };
}

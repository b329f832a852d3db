/** The messages of one topic for one queue, or for one subscriber of its own: sent, kept while nobody takes them, sent again. */

import { MicrorunError } from "../errors.ts";
import type { Log } from "../log.ts";
import { pause } from "../wait.ts";
import { createBacklog } from "./backlog.ts";
import { maxRoomMs } from "./carrier.ts";
import type { Subscriber } from "./http-directory.ts";
import type { Reception } from "./http-post.ts";

/** Messages that wait to be sent, at most. */
export const maxWaiting = 1024;
/** Messages under way to one subscriber at once. */
export const maxInFlight = 16;
/** While nobody takes them, no more than these are kept. */
export const maxKept = 64;
/** The waits before they are sent again, ms. */
const firstRestMs = 100;
const lastRestMs = 5000;

export interface LaneOptions {
  /** `orders (queue billing)` */
  readonly title: string;
  /** Who may take a message now; of these one gets it. */
  readonly targets: () => readonly Subscriber[];
  readonly post: (to: Subscriber, body: string) => Promise<Reception>;
  readonly log: Log;
}

export interface Lane {
  /** @throws MicrorunError `resource_exhausted` where its subscribers are far behind */
  offer(body: string): Promise<void>;
  /** Others may take messages now. */
  wake(): void;
  /** Waits for what is there as long as this, and drops the rest. */
  close(limitMs: number): Promise<void>;
}

export function openLane({ title, targets, post, log }: LaneOptions): Lane {
  const waiting = createBacklog<string>(maxWaiting);
  const closing = new AbortController();
  let flying = 0;
  /** Set while nobody takes them: ends the rest. */
  let resting: AbortController | undefined;
  let restMs = firstRestMs;
  let failing = false;
  let dropped = 0;
  let idle = Promise.withResolvers<void>();

  /** Whoever takes it, each is asked once. */
  async function give(body: string): Promise<boolean> {
    const left = [...targets()];
    while (left.length > 0) {
      const [target] = left.splice(Math.floor(Math.random() * left.length), 1);
      const reception = await post(target!, body);
      if (reception === "failed") continue;
      if (reception !== "taken") log.warn(`a message of ${title} is lost: ${reception.rejected}`);
      return true;
    }
    return false;
  }

  async function fly(body: string): Promise<void> {
    flying++;
    const taken = await give(body).finally(() => flying--);
    if (taken) recovered();
    else {
      waiting.putBack(body, body.length);
      if (!failing) log.warn(`messages of ${title} are kept: no subscriber takes them`);
      failing = true;
      void rest();
    }
    pump();
  }

  function recovered(): void {
    restMs = firstRestMs;
    if (!failing) return;
    failing = false;
    log.info(`messages of ${title} are taken again`, dropped > 0 ? { dropped } : {});
    dropped = 0;
  }

  async function rest(): Promise<void> {
    if (resting !== undefined || closing.signal.aborted) return;
    resting = new AbortController();
    const ms = restMs;
    restMs = Math.min(restMs * 2, lastRestMs);
    await pause(ms * (0.75 + Math.random() / 2), AbortSignal.any([resting.signal, closing.signal]));
    resting = undefined;
    pump();
  }

  function pump(): void {
    // one alone finds out whether they are taken again
    const most = failing ? 1 : maxInFlight * Math.max(1, targets().length);
    while (resting === undefined && !closing.signal.aborted && flying < most) {
      const body = waiting.next();
      if (body === undefined) break;
      void fly(body);
    }
    if (flying === 0 && (waiting.length === 0 || closing.signal.aborted)) idle.resolve();
  }

  return {
    async offer(body) {
      if (failing && waiting.length >= maxKept) {
        dropped++;
        if (dropped === 1) log.warn(`messages of ${title} are dropped: ${maxKept} are kept already`);
        return;
      }
      if (waiting.full && !(await waiting.room(maxRoomMs)))
        throw new MicrorunError("resource_exhausted", `publish to ${title}: its subscribers are far behind`, {
          hint: "publish less, or start more instances that subscribe",
        });
      waiting.add(body, body.length);
      pump();
    },
    wake() {
      resting?.abort();
    },
    async close(limitMs) {
      idle = Promise.withResolvers();
      pump();
      const late = new AbortController();
      await Promise.race([
        idle.promise,
        pause(failing ? Math.min(limitMs, lastRestMs) : limitMs, late.signal),
      ]);
      late.abort();
      closing.abort();
      const lost = waiting.clear().length + flying;
      if (lost > 0) log.warn(`${lost} messages of ${title} were not taken before the stop`);
    },
  };
}

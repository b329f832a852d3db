/** `bulkhead`: how many calls are under way at once, and how many wait for their turn. */
import type { Call } from "../call.ts";
import { abortReason, MicrorunError } from "../errors.ts";
import { keyBy } from "./call-key.ts";
import { untilEnd } from "./ending.ts";
import { live } from "./live.ts";
import type { By, Layer, Live } from "./middleware.ts";
import { type Kinds, kinds } from "./option-kinds.ts";

export interface BulkheadOptions {
  /** Calls under way at once. */
  readonly concurrency: number;
  /** Calls that wait for their turn. @default 0 */
  readonly queue?: number;
  /** How long one waits at most, in ms. @default 1000 */
  readonly queueMs?: number;
  /** What has a bulkhead of its own. @default "all": one for all calls */
  readonly by?: By;
}

const table: Kinds<BulkheadOptions> = {
  concurrency: kinds.count,
  queue: kinds.countOrNone,
  queueMs: kinds.period,
  by: kinds.textOrCallback,
};

const defaultQueueMs = 1000;

/** Calls beyond both are answered `resource_exhausted`. One that streams is under way until its last message. */
export function bulkhead(options: Live<BulkheadOptions>): Layer {
  const held = live(
    "bulkhead",
    table,
    options,
    ({ by = "all", queueMs = defaultQueueMs, concurrency, queue = 0 }) => ({
      key: keyBy(by).ofCall,
      rooms: createRooms({ concurrency, queue, queueMs }),
    }),
  );
  return (next, around) => {
    held(around);
    return (call) => {
      const { key, rooms } = held(around);
      const room = rooms.of(key(call));
      const entered = room.enter(call);
      const leave = (): void => room.leave();
      if (entered === undefined) return untilEnd(next, call, leave);
      return entered.then(() => untilEnd(next, call, leave));
    };
  };
}

interface Room {
  /** Undefined: at once. */
  enter(call: Call): Promise<void> | undefined;
  leave(): void;
}

/** Only those that somebody is in are remembered. */
function createRooms(rules: {
  readonly concurrency: number;
  readonly queue: number;
  readonly queueMs: number;
}): {
  of(key: string): Room;
} {
  const rooms = new Map<string, Room>();
  const create = (key: string): Room => {
    let inside = 0;
    /** The first that came first. */
    const waiting = new Set<() => void>();
    return {
      enter(call) {
        if (inside < rules.concurrency) {
          inside++;
          rooms.set(key, this);
          return undefined;
        }
        if (waiting.size >= rules.queue) return Promise.reject(full());
        return wait(call, waiting, rules.queueMs);
      },
      leave() {
        const [next] = waiting;
        if (next !== undefined) {
          // its place is the next one's
          waiting.delete(next);
          next();
          return;
        }
        inside--;
        if (inside === 0) rooms.delete(key);
      },
    };
  };
  return { of: (key) => rooms.get(key) ?? create(key) };
}

async function wait(call: Call, waiting: Set<() => void>, ms: number): Promise<void> {
  const { signal } = call;
  if (signal.aborted) throw abortReason(signal);
  const turn = Promise.withResolvers<void>();
  const come = (): void => turn.resolve();
  const give = (error: MicrorunError): void => {
    // whose turn it is by now has a place, and takes it
    if (waiting.delete(come)) turn.reject(error);
  };
  const left = (): void => give(abortReason(signal));
  waiting.add(come);
  const timer = setTimeout(() => give(full()), ms);
  signal.addEventListener("abort", left);
  try {
    await turn.promise;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", left);
  }
}

function full(): MicrorunError {
  return new MicrorunError("resource_exhausted", "too many calls at once", { reason: "BULKHEAD_FULL" });
}

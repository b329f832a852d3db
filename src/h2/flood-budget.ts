/** Budgets of frames that cost the peer little and us something: whoever overspends is cut with ENHANCE_YOUR_CALM. */
import { ConnectionError } from "./connection-error.ts";
import { errorCodes } from "./h2.ts";

/** What is budgeted: how many at once, and how many a second after that. */
const budgets = [
  { burst: 500, perSecond: 100 },
  { burst: 50, perSecond: 10 },
  { burst: 1_000, perSecond: 100 },
  { burst: 20_000, perSecond: 50_000 },
  { burst: 500, perSecond: 100 },
  { burst: 500, perSecond: 100 },
  { burst: 4_000, perSecond: 2_000 },
  { burst: 20_000, perSecond: 20_000 },
  { burst: 1_000, perSecond: 200 },
] as const;

/** Rows of `budgets`. */
export const costs = {
  /** Each is answered. */
  ping: 0,
  /** Each is answered, and may resize every window. */
  settings: 1,
  priority: 2,
  windowUpdate: 3,
  /** DATA of less than four bytes that ends nothing. */
  crumb: 4,
  /** Frames of types that we do not know. */
  unknown: 5,
  /** Requests given up by the peer, or refused (CVE-2023-44487). */
  reset: 6,
  /** Frames for streams that are gone. */
  late: 7,
  /** Mistakes that cost a stream: each makes us reset it (CVE-2025-8671). */
  mistake: 8,
} as const;

export interface FloodBudget {
  readonly left: Float64Array;
  readonly refilledAt: Float64Array;
  readonly now: () => number;
}

export function createFloodBudget(now: () => number): FloodBudget {
  return {
    left: Float64Array.from(budgets, ({ burst }) => burst),
    refilledAt: new Float64Array(budgets.length).fill(now()),
    now,
  };
}

/** @throws ConnectionError when nothing is left; the clock is asked only then */
export function spend({ left, refilledAt, now }: FloodBudget, cost: number): void {
  left[cost]! -= 1;
  if (left[cost]! >= 0) return;
  const { burst, perSecond } = budgets[cost]!;
  const at = now();
  left[cost] = Math.min(burst, left[cost]! + ((at - refilledAt[cost]!) * perSecond) / 1000);
  refilledAt[cost] = at;
  if (left[cost]! < 0) throw new ConnectionError(errorCodes.enhanceYourCalm, "flood");
}

export function earn({ left }: FloodBudget, cost: number, amount: number): void {
  if (left[cost]! < budgets[cost]!.burst) left[cost]! += amount;
}

/** A frame that carries something: grpc-go answers bursts of those with PING and WINDOW_UPDATE, thousands a second. */
export function earnByUse(budget: FloodBudget): void {
  earn(budget, costs.ping, 1);
  earn(budget, costs.windowUpdate, 2);
}

/** A circuit: closed while enough of what passes goes well, else open for a while, then tried by a few. */

export interface CircuitOptions {
  /** How far back calls count. @default 10000 */
  readonly windowMs?: number;
  /** Fewer calls in the window than these never open it. @default 20 */
  readonly minCalls?: number;
  /** It opens when so many of the window's calls failed, of 1. @default 0.5 */
  readonly failureRate?: number;
  /** How long it stays open, in ms. @default 5000 */
  readonly openMs?: number;
  /** So many calls try it then, and close it if all go well. @default 3 */
  readonly probes?: number;
  /** In ms, never going back. @default performance.now */
  readonly now?: () => number;
}

export type CircuitState = "closed" | "open" | "half-open";

/** A call that may pass. */
export interface Passage {
  /** Told once how it went; undefined: nobody knows. */
  end(well: boolean | undefined): void;
}

export interface Circuit {
  /** A number: none may, for so many ms. */
  pass(): Passage | number;
  readonly state: CircuitState;
}

/** The window moves by a part of itself. */
const slices = 10;

const defaults = { windowMs: 10_000, minCalls: 20, failureRate: 0.5, openMs: 5000, probes: 3 };

/** @param changed told of each change */
export function createCircuit(
  options: CircuitOptions,
  changed: (state: CircuitState) => void = () => {},
): Circuit {
  const { windowMs, minCalls, failureRate, openMs, probes } = { ...defaults, ...options };
  const { now = () => performance.now() } = options;
  const sliceMs = windowMs / slices;
  const calls = new Float64Array(slices);
  const failures = new Float64Array(slices);
  let slice = Math.floor(now() / sliceMs);
  let state: CircuitState = "closed";
  /** What was let pass in another state says nothing of this one. */
  let turn = 0;
  let openUntil = 0;
  let probing = 0;
  let proved = 0;
  let probedAt = 0;

  const enter = (next: CircuitState): void => {
    state = next;
    turn++;
    probing = 0;
    proved = 0;
    if (next === "open") openUntil = now() + openMs;
    if (next === "closed") {
      calls.fill(0);
      failures.fill(0);
    }
    changed(next);
  };
  const count = (well: boolean): void => {
    const at = Math.floor(now() / sliceMs);
    for (let passed = Math.min(at - slice, slices); passed > 0; passed--) {
      calls[(at - passed + 1) % slices] = 0;
      failures[(at - passed + 1) % slices] = 0;
    }
    slice = at;
    calls[at % slices]! += 1;
    if (well) return;
    failures[at % slices]! += 1;
    const all = sum(calls);
    if (all >= minCalls && sum(failures) >= all * failureRate) enter("open");
  };
  const passage = (own: number): Passage => {
    let over = false;
    return {
      end(well) {
        if (over) return;
        over = true;
        if (own !== turn) return;
        if (state === "closed") return well === undefined ? undefined : count(well);
        probing--;
        if (well === false) enter("open");
        else if (well && ++proved >= probes) enter("closed");
      },
    };
  };

  return {
    pass() {
      if (state === "closed") return passage(turn);
      const time = now();
      if (state === "open") {
        if (time < openUntil) return openUntil - time;
        enter("half-open");
      }
      // those that never end shall not keep it shut
      if (probing + proved >= probes && time - probedAt >= openMs) probing = 0;
      if (probing + proved >= probes) return Math.max(1, probedAt + openMs - time);
      probing++;
      probedAt = time;
      return passage(turn);
    },
    get state() {
      return state;
    },
  };
}

function sum(numbers: Float64Array): number {
  let all = 0;
  for (const one of numbers) all += one;
  return all;
}

/** The checks of this process: run side by side, each within its time, never the same one twice at once. */
import { errorText } from "../errors.ts";
import type { Log } from "../log.ts";
import { within } from "../wait.ts";
import type { CheckResult, Health, HealthCheck, Probe } from "./health.ts";

export interface HealthOptions {
  /** How long a check may take unless `add` says otherwise, in ms. @default 1000 */
  timeoutMs?: number;
  /** Told when a check begins to fail, why, and when it is well again. */
  log?: Log;
}

/** Health, with what the process says about itself. */
export interface HealthChecks extends Health {
  /** True once started; false while draining. */
  setServing(serving: boolean): void;
}

interface Named {
  readonly name: string;
  readonly check: HealthCheck;
  readonly timeoutMs: number;
  readonly note: (() => string) | undefined;
  /** The run under way: probes that come meanwhile share it. */
  running?: Promise<CheckResult> | undefined;
  failing: boolean;
}

const defaultTimeoutMs = 1000;
/** The longest reason or note shown, in characters. */
const maxReason = 200;

/** Beside the checks added: `live` always has `ping`, `ready` has `serving`, `startup` has `started`. */
export function createHealth({
  log,
  timeoutMs: usualMs = defaultTimeoutMs,
}: HealthOptions = {}): HealthChecks {
  let serving = false;
  let started = false;
  const wakes = new Set<() => void>();
  const checks: Record<Probe, Named[]> = { live: [], ready: [], startup: [] };

  const own: Record<Probe, () => CheckResult> = {
    live: () => result("ping"),
    ready: () => result("serving", serving ? "" : started ? "draining" : "starting"),
    startup: () => result("started", started ? "" : "starting"),
  };

  return {
    get serving() {
      return serving;
    },
    setServing(value) {
      serving = value;
      started ||= value;
      for (const wake of wakes) wake();
    },
    add(probe, name, check, { timeoutMs = usualMs, note } = {}) {
      checks[probe].push({ name, check, timeoutMs, note, failing: false });
    },
    async run(probe, exclude) {
      const included = ({ name }: { name: string }): boolean => !exclude?.has(name);
      const asked = checks[probe].filter(included).map(async (named) => {
        const result = await runOnce(named, log);
        return named.note === undefined ? result : { ...result, note: oneLine(named.note()) };
      });
      return [...[own[probe]()].filter(included), ...(await Promise.all(asked))];
    },
    async *watch(signal) {
      let told: boolean | undefined;
      let wake = (): void => {};
      const woken = (): void => wake();
      wakes.add(woken);
      signal.addEventListener("abort", woken);
      try {
        while (!signal.aborted) {
          if (serving === told) {
            const woke = Promise.withResolvers<void>();
            wake = woke.resolve;
            await woke.promise;
          } else {
            told = serving;
            yield told;
          }
        }
      } finally {
        wakes.delete(woken);
        signal.removeEventListener("abort", woken);
      }
    },
  };
}

/** A check that outlives its time is not started again before it settles: probes come every few seconds. */
function runOnce(named: Named, log: Log | undefined): Promise<CheckResult> {
  if (named.running !== undefined) return named.running;
  const { name, check, timeoutMs } = named;
  const controller = new AbortController();
  const work = (async () => check(controller.signal))();
  const free = (): void => {
    named.running = undefined;
  };
  work.then(free, free);
  named.running = within(timeoutMs, "the check", work).then(
    () => {
      if (named.failing) log?.info(`check ${name} is well again`);
      named.failing = false;
      return result(name);
    },
    (error: unknown) => {
      controller.abort(error);
      if (!named.failing) log?.warn(`check ${name} failed`, { error });
      named.failing = true;
      return result(name, errorText(error) || "failed");
    },
  );
  return named.running;
}

function result(name: string, reason = ""): CheckResult {
  return { name, ok: reason === "", reason: oneLine(reason) };
}

/** Others' words may be in it. */
function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, " ").slice(0, maxReason);
}

/** `timeout`: how long calls may take, all of them and single methods. */
import { MicrorunError, usageError } from "../errors.ts";
import { live } from "./live.ts";
import { byMethod } from "./method-names.ts";
import type { Layer, Live } from "./middleware.ts";
import { type Kinds, kinds } from "./option-kinds.ts";
import { limitTime } from "./time-limit.ts";

export interface TimeoutOptions {
  /** Of all calls, in ms; 0: any time. @default 0 */
  readonly timeoutMs?: number;
  /** Of single methods, in ms: `{ "Greeter.Hello": 500, "Reports.*": 0 }`. @default as all */
  readonly methods?: Readonly<Record<string, number>>;
  /** Of the module's own `fetch`, in ms. @default as all */
  readonly webMs?: number;
}

const table: Kinds<TimeoutOptions> = {
  timeoutMs: kinds.duration,
  methods: kinds.durations,
  webMs: kinds.duration,
};

/**
 * Calls that take longer are answered `deadline_exceeded`, over HTTP 504, and their handler's signal is aborted. A sooner deadline of the
 * caller's stays; calls that stream have any time.
 */
export function timeout(options: Live<TimeoutOptions>): Layer {
  const held = live("timeout", table, options, ({ timeoutMs, methods = {}, webMs }, around) => {
    if (timeoutMs === undefined && webMs === undefined && Object.keys(methods).length === 0)
      throw usageError("nothing is limited", "give timeoutMs, methods or webMs");
    const ofMethod = byMethod(methods, around?.methods);
    return {
      ofCall: (call: Parameters<typeof ofMethod>[0]) => ofMethod(call) ?? timeoutMs ?? 0,
      webMs: webMs ?? timeoutMs ?? 0,
    };
  });
  const layer: Layer = (next, around) => {
    held(around);
    return limitTime((call) => held(around).ofCall(call), "the limit of")(next);
  };
  const web: Layer["web"] = (next, around) => (visit) => {
    const ms = held(around).webMs;
    return ms <= 0 ? next(visit) : limited(ms, (request) => next({ ...visit, request }), visit.request);
  };
  return Object.assign(layer, { web });
}

async function limited(
  ms: number,
  next: (request: Request) => Response | Promise<Response>,
  request: Request,
): Promise<Response> {
  const over = Promise.withResolvers<never>();
  const stop = new AbortController();
  const timer = setTimeout(() => {
    const late = new MicrorunError("deadline_exceeded", `not answered within the limit of ${ms} ms`);
    stop.abort(late);
    over.reject(late);
  }, ms);
  try {
    const signal = AbortSignal.any([request.signal, stop.signal]);
    return await Promise.race([next(new Request(request, { signal })), over.promise]);
  } finally {
    clearTimeout(timer);
  }
}

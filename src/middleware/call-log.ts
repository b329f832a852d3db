/** `log`: a line for each call: what, how it ended, how long it took, who asked; nothing of its messages. */
import type { Call } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import type { LogFields } from "../log.ts";
import { codeOf, untilEnd } from "./ending.ts";
import { live } from "./live.ts";
import { byMethod } from "./method-names.ts";
import type { Layer, Live } from "./middleware.ts";
import { type Kind, type Kinds, kinds } from "./option-kinds.ts";
import { statusOf } from "./refusal.ts";

export interface CallLogOptions {
  /** Of calls that end well, or by their caller's fault; the others are warned of. @default "info" */
  readonly level?: "debug" | "info";
  /** Methods without a line: `["Greeter.Ping"]`. @default none */
  readonly except?: readonly string[];
}

const level: Kind = {
  wanted: '"debug" or "info"',
  holds: (value) => value === "debug" || value === "info",
};
const table: Kinds<CallLogOptions> = { level, except: kinds.texts };

/** The service's fault, or of those that it needs. */
const serious = new Set(["unknown", "internal", "unavailable", "data_loss", "deadline_exceeded"]);

/** The longest id told. */
const maxIdLength = 128;

/** Put it before what refuses calls, if their refusals shall be seen. */
export function log(options: Live<CallLogOptions> = {}): Layer {
  const held = live("log", table, options, ({ level = "info", except = [] }, around) => ({
    level,
    silent: byMethod(Object.fromEntries(except.map((name) => [name, true])), around?.methods),
  }));
  const layer: Layer = (next, around) => {
    held(around);
    return (call) => {
      const { level, silent } = held(around);
      if (around === undefined || silent(call)) return next(call);
      const from = performance.now();
      return untilEnd(next, call, (error) => {
        const code = codeOf(error);
        around.log[serious.has(code) ? "warn" : level]("call", fieldsOf(call, code, from));
      });
    };
  };
  const web: Layer["web"] = (next, around) => async (visit) => {
    const from = performance.now();
    const tell = (status: number | undefined): void => {
      const { method, url, headers } = visit.request;
      const failed = status === undefined || status >= 500;
      // no query: it may hold what is nobody's to read
      around?.log[failed ? "warn" : held(around).level]("request", {
        method: `${method} ${new URL(url).pathname}`,
        ...(status === undefined ? {} : { status }),
        ...told(from, visit.peer, headers),
      });
    };
    try {
      const response = await next(visit);
      // an upgraded one has none
      tell(response instanceof Response ? response.status : 101);
      return response;
    } catch (error) {
      tell(error instanceof MicrorunError ? statusOf(error) : undefined);
      throw error;
    }
  };
  return Object.assign(layer, { web });
}

function fieldsOf(call: Call, code: string, from: number): LogFields {
  const { type, service, method, target, peer, metadata } = call;
  return {
    method: `${type?.service ?? service}/${method}`,
    code,
    ...(target === undefined ? {} : { target }),
    ...told(from, peer, metadata),
  };
}

function told(from: number, peer: string | undefined, headers: Headers): LogFields {
  const id = headers.get("x-request-id");
  const trace = headers.get("traceparent")?.split("-")[1];
  return {
    ms: Math.round((performance.now() - from) * 100) / 100,
    ...(peer === undefined ? {} : { peer }),
    ...(id === null ? {} : { id: id.slice(0, maxIdLength) }),
    ...(trace === undefined ? {} : { trace: trace.slice(0, maxIdLength) }),
  };
}

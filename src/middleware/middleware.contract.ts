/** What the tests of middleware call with: calls, and where they stand. */
import { type Call, type Claims, jsonMethod, type Method } from "../call.ts";
import type { Config, ConfigData } from "../config/config.ts";
import { MicrorunError } from "../errors.ts";
import { createLog, type LogSink } from "../log.ts";
import type { Surroundings } from "./middleware.ts";

export interface Asked {
  readonly method?: string;
  readonly request?: unknown;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly peer?: string;
  readonly claims?: Claims;
  readonly signal?: AbortSignal;
  readonly deadline?: number;
}

export const methods: readonly Method[] = ["Hello", "Slow"].map((name) =>
  jsonMethod("greeter.Greeter", name),
);

export function callOf({ method = "Hello", request = {}, metadata = {}, ...rest }: Asked = {}): Call {
  const type = methods.find(({ name }) => name === method);
  return {
    service: "greeter.Greeter",
    method,
    request,
    metadata: new Headers(metadata),
    signal: new AbortController().signal,
    reply: { header: new Headers(), trailer: new Headers() },
    ...(type === undefined ? {} : { type }),
    ...rest,
  };
}

/** A configuration that is what `set` said last. */
export function standing(first: ConfigData = {}): {
  around: Surroundings;
  set(data: ConfigData): void;
  log: LogSink;
} {
  const log = createLog({ write: () => {}, level: "debug" });
  let data = first;
  const config = {
    get: (...path: readonly unknown[]) => data[String(path[0])],
    get data() {
      return data;
    },
  };
  return {
    around: { service: "greeter", config: config as unknown as Config, log, methods },
    set(next) {
      data = next;
    },
    log,
  };
}

/** `code: message` of what a call was refused with. */
export async function refusal(answer: Promise<unknown>): Promise<string> {
  const thrown = await answer.then(
    (reply) => new Error(`it was answered: ${JSON.stringify(reply)}`),
    (error: unknown) => error,
  );
  if (!(thrown instanceof MicrorunError)) throw thrown;
  return `${thrown.code}: ${thrown.message}`;
}

/** A greeter behind the HTTP side alone: no module, no socket. */
import {
  type Call,
  type Dispatch,
  type Fetch,
  jsonMessage,
  type MessageType,
  type Method,
} from "../src/call.ts";
import { MicrorunError } from "../src/errors.ts";
import { createHealth, type HealthChecks } from "../src/health/checks.ts";
import { createApp } from "../src/http/app.ts";
import { createLog, type LogRecord } from "../src/log.ts";
import { composeService } from "../src/service/compose.ts";
import type { Endpoint, Service } from "../src/service/service.ts";

/** Stands for protobuf: its bytes are the name in capitals. */
export const nameMessage: MessageType = {
  name: "test.Name",
  decode: (bytes) => ({ name: new TextDecoder().decode(bytes).toLowerCase() }),
  encode: (value) => new TextEncoder().encode((value as { name: string }).name.toUpperCase()),
  fromJson: (json) => {
    const { name } = json as { name?: unknown };
    if (name !== undefined && typeof name !== "string")
      throw new MicrorunError("invalid_argument", `test.Name.name: a string is expected, got ${typeof name}`);
    return { name: name ?? "" };
  },
  toJson: (value) => value,
};

export interface GreeterOptions {
  /** Replace what `Hello` and `Count` do. */
  readonly hello?: Dispatch;
  readonly count?: Dispatch;
  readonly fetch?: Fetch;
  readonly maxBodyBytes?: number;
}

export interface Greeter {
  readonly fetch: Fetch;
  readonly health: HealthChecks;
  readonly service: Service;
  /** What was asked. */
  readonly calls: Call[];
  /** What was logged. */
  readonly logged: LogRecord[];
  post(
    path: string,
    body: string | Uint8Array<ArrayBuffer>,
    headers?: Record<string, string>,
  ): Promise<Response>;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
}

export function httpGreeter(options: GreeterOptions = {}): Greeter {
  const method = (name: string, more: Partial<Method> = {}): Endpoint => ({
    method: {
      service: "test.Greeter",
      name,
      requestStream: false,
      responseStream: false,
      idempotent: false,
      request: jsonMessage,
      response: jsonMessage,
      ...more,
    },
    handler: () => undefined,
    internal: false,
  });
  const typed = { request: nameMessage, response: nameMessage };
  const endpoints = [
    method("Hello"),
    method("Look", { ...typed, idempotent: true }),
    method("Count", { responseStream: true }),
    method("Join", { requestStream: true }),
    method("Echo", { requestStream: true, responseStream: true, ...typed }),
  ];
  const identity = { name: "go.micro.srv.greeter", version: "1", id: "greeter-1", metadata: {} };
  const service = composeService(identity, [{ endpoints, schemas: [] }]);
  const calls: Call[] = [];
  const logged: LogRecord[] = [];
  const log = createLog({ level: "debug", write: () => {} });
  log.follow((record) => logged.push(record));
  const health = createHealth();

  const answers: Record<string, Dispatch> = {
    Hello: options.hello ?? (async ({ request }) => ({ greeting: `Hello ${(request as Named).name}` })),
    Look: async ({ request }) => request,
    Count: options.count ?? (async ({ request }) => count((request as { to: number }).to)),
    Join: async ({ request }) => ({
      names: (await Array.fromAsync(request as AsyncIterable<Named>)).map(nameOf),
    }),
    Echo: async ({ request }) => request,
  };
  const app = createApp({
    service,
    health,
    log,
    dispatch: async (call) => {
      calls.push(call);
      return answers[call.method]?.(call);
    },
    ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
    ...(options.maxBodyBytes === undefined ? {} : { maxBodyBytes: options.maxBodyBytes }),
  });
  const ask = async (path: string, init: RequestInit): Promise<Response> =>
    app(new Request(`http://localhost${path}`, init), "192.0.2.1:4444");
  return {
    fetch: app,
    health,
    service,
    calls,
    logged,
    post: (path, body, headers = {}) => ask(path, { method: "POST", body, headers }),
    get: (path, headers = {}) => ask(path, { headers }),
  };
}

interface Named {
  readonly name: string;
}

const nameOf = ({ name }: Named): string => name;

/** Fails after 3. */
async function* count(to: number): AsyncGenerator<unknown> {
  for (let n = 1; n <= to; n++) {
    if (n > 3) throw new MicrorunError("out_of_range", "only up to 3");
    yield { n };
  }
}

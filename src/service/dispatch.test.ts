import { expect, test } from "bun:test";
import { memoryBroker } from "../broker/memory.ts";
import type { Call } from "../call.ts";
import type { Client } from "../client/client.ts";
import type { Config, StandardSchema } from "../config/config.ts";
import { memorySource } from "../config/memory.ts";
import { openConfig } from "../config/store.ts";
import { MicrorunError } from "../errors.ts";
import { createLog, type LogRecord, silentLog } from "../log.ts";
import { bindHandlers, composeService } from "./compose.ts";
import { createDispatch } from "./dispatch.ts";
import type { Handler } from "./service.ts";

const identity = { name: "greeter", version: "1", id: "greeter-1", metadata: {} };
const nobody: Client = {
  call: () => Promise.reject(new MicrorunError("unavailable", "no peers here")),
  stream: () => {
    throw new MicrorunError("unavailable", "no peers here");
  },
};

const noConfig: Config = {
  data: {},
  get: () => undefined as never,
  scan: () => undefined as never,
  watch: () => () => {},
  async *changes() {},
};

function greeter(methods: Record<string, Handler>, log = silentLog, config = noConfig) {
  const service = composeService(identity, [bindHandlers({ Greeter: methods }, undefined)]);
  return createDispatch(service, {
    service: identity,
    broker: memoryBroker(log),
    log,
    config: () => config,
    client: () => nobody,
  });
}

function ask(method: string, more: Partial<Call> = {}): Call {
  return {
    service: "Greeter",
    method,
    request: { name: "John" },
    metadata: new Headers(),
    signal: new AbortController().signal,
    ...more,
  };
}

async function codeOf(reply: Promise<unknown>): Promise<string> {
  return reply.then(
    () => "ok",
    (error: MicrorunError) => `${error.code}: ${error.message}`,
  );
}

test("a handler gets the request and a context, and its value is the reply", async () => {
  const dispatch = greeter({
    Hello: ({ name }, context) => {
      context.header.set("x-seen", context.metadata.get("x-foo") ?? "");
      return {
        greeting: `Hello ${name}!`,
        by: context.service.name,
        method: context.method.name,
        peer: context.peer,
      };
    },
  });
  const reply = { header: new Headers(), trailer: new Headers() };
  const call = ask("Hello", { metadata: new Headers({ "x-foo": "bar" }), peer: "127.0.0.1:5", reply });
  expect(await dispatch(call)).toEqual({
    greeting: "Hello John!",
    by: "greeter",
    method: "Hello",
    peer: "127.0.0.1:5",
  });
  expect(reply.header.get("x-seen")).toBe("bar");
});

test("an error that a handler means for the caller reaches the caller", async () => {
  const dispatch = greeter({
    Hello: () => {
      throw new MicrorunError("not_found", "no user 7");
    },
  });
  expect(await codeOf(dispatch(ask("Hello")))).toBe("not_found: no user 7");
});

test.each([
  ["refuses it", () => ({ issues: [{ message: "not redis://cache" }] }), /does not fit.*redis:\/\/cache/],
  ["answers later", async () => ({ value: 1 }), /answers later/],
])(
  "a configuration whose schema %s is no fault of the caller's, and nothing for it to read",
  async (_, validate, told) => {
    const records: LogRecord[] = [];
    const log = createLog({ write: () => {} });
    log.follow((record) => records.push(record));
    const schema: StandardSchema = { "~standard": { version: 1, vendor: "test", validate } };
    await using store = await openConfig([memorySource("memory:", {})], { log });
    const dispatch = greeter({ Hello: (_, { config }) => config.scan(schema) }, log, store.current);
    expect(await codeOf(dispatch(ask("Hello")))).toBe("internal: internal error");
    expect(records.map(({ fields }) => String(fields.error))).toEqual([expect.stringMatching(told)]);
  },
);

test("anything else thrown is internal to the caller and whole in the log", async () => {
  const records: LogRecord[] = [];
  const log = createLog({ write: () => {} });
  log.follow((record) => records.push(record));
  const dispatch = greeter(
    { Hello: () => Promise.reject("just a string"), Boom: () => JSON.parse("{") },
    log,
  );
  expect(await codeOf(dispatch(ask("Hello")))).toBe("internal: internal error");
  expect(await codeOf(dispatch(ask("Boom")))).toBe("internal: internal error");
  expect(records.map(({ message, fields }) => [message, String(fields.error).slice(0, 11)])).toEqual([
    ["Greeter.Hello failed", "just a stri"],
    ["Greeter.Boom failed", "SyntaxError"],
  ]);
});

test("unknown services, unknown methods and missing handlers are unimplemented, each in its own words", async () => {
  const dispatch = greeter({ Hello: () => ({}) });
  expect(await codeOf(dispatch(ask("Nope")))).toBe("unimplemented: unknown method Nope for service Greeter");
  expect(await codeOf(dispatch({ ...ask("Hello"), service: "Nope" }))).toBe(
    "unimplemented: unknown service Nope",
  );
});

test("a unary handler that returns a stream, and a stream handler that returns none, are internal errors", async () => {
  async function* stream() {
    yield 1;
  }
  const dispatch = greeter({ Hello: () => stream() });
  expect(await codeOf(dispatch(ask("Hello")))).toBe("internal: internal error");
});

test("a stream that fails midway ends in the error", async () => {
  const dispatch = greeter({
    async *Count() {
      yield 1;
      throw new MicrorunError("data_loss", "lost the rest");
    },
  });
  const replies = (await dispatch(ask("Count"))) as AsyncIterable<unknown>;
  const seen: unknown[] = [];
  const ended = (async () => {
    for await (const reply of replies) seen.push(reply);
  })();
  expect(await codeOf(ended)).toBe("data_loss: lost the rest");
  expect(seen).toEqual([1]);
});

test("an error after the caller gave up says why the call ended, and is not logged", async () => {
  const records: LogRecord[] = [];
  const log = createLog({ write: () => {} });
  log.follow((record) => records.push(record));
  const gone = new AbortController();
  const dispatch = greeter(
    {
      Hello: (_, { signal }) => {
        gone.abort(new MicrorunError("cancelled", "the caller is gone"));
        signal.throwIfAborted();
        throw new Error("not reached");
      },
      Wait: () => {
        throw new TypeError("fetch failed");
      },
    },
    log,
  );
  expect(await codeOf(dispatch(ask("Hello", { signal: gone.signal })))).toBe("cancelled: the caller is gone");
  expect(await codeOf(dispatch(ask("Wait", { signal: gone.signal })))).toBe("cancelled: the caller is gone");
  expect(records).toEqual([]);
});

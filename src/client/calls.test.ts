import { afterEach, expect, test } from "bun:test";
import { memoryBroker } from "../broker/memory.ts";
import { type Call, jsonMethod } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { silentLog } from "../log.ts";
import { bindHandlers, composeService } from "../service/compose.ts";
import { createDispatch } from "../service/dispatch.ts";
import type { Handler } from "../service/service.ts";
import { memoryTransport } from "../transport/memory.ts";
import { createClient } from "./calls.ts";
import { createPool } from "./pool.ts";

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one[Symbol.asyncDispose]();
});

/** A greeter behind the memory transport, a client for it, and the calls that reached it. */
async function greeter(methods: Record<string, Handler>, options: { retries?: number } = {}) {
  const transport = memoryTransport();
  const identity = { name: "greeter", version: "1", id: "greeter-1", metadata: {} };
  const service = composeService(identity, [bindHandlers({ Greeter: methods }, undefined)]);
  const config = {
    data: {},
    get: () => undefined as never,
    scan: () => undefined as never,
    watch: () => () => {},
    async *changes() {},
  };
  const calls: Call[] = [];
  const pool = createPool(transport);
  const selector = { name: "fixed", pick: () => server.address, async [Symbol.asyncDispose]() {} };
  const clientOptions = { selector, pool, from: "tester", requestTimeoutMs: 1000, ...options };
  const dispatch = createDispatch(service, {
    service: identity,
    broker: memoryBroker(silentLog),
    log: silentLog,
    config: () => config,
    client: (call) => createClient(clientOptions, call),
  });
  const server = await transport.listen(
    service,
    (call) => {
      calls.push(call);
      return dispatch(call);
    },
    { address: "greeter:8080", log: silentLog },
  );
  opened.push(pool, server);
  return { client: createClient(clientOptions), calls, pool };
}

test("a call reaches the service by its short endpoint, with this service's name and a deadline", async () => {
  const { client, calls } = await greeter({ Hello: ({ name }) => ({ greeting: `Hello ${name}!` }) });
  const before = Date.now();
  expect(await client.call("greeter", "Greeter.Hello", { name: "John" })).toEqual({
    greeting: "Hello John!",
  });
  expect(calls[0]?.metadata.get("micro-from-service")).toBe("tester");
  expect(calls[0]?.deadline).toBeGreaterThanOrEqual(before + 900);
  expect(calls[0]?.deadline).toBeLessThanOrEqual(Date.now() + 1000);
});

test("an error of the service is the caller's error", async () => {
  const { client } = await greeter({
    Hello: () => {
      throw new MicrorunError("not_found", "no user 7", { reason: "USER_NOT_FOUND", details: { user: "7" } });
    },
  });
  const error = await client.call("greeter", "Greeter.Hello").catch((thrown) => thrown);
  expect(error).toBeInstanceOf(MicrorunError);
  expect(error).toMatchObject({ code: "not_found", message: "no user 7", reason: "USER_NOT_FOUND" });
});

test("a handler's own call carries on metadata and never outlives the caller's deadline", async () => {
  const { client, calls } = await greeter({
    Hello: (request, context) => context.client.call("greeter", "Greeter.Inner", request),
    Inner: (_, { metadata }) => ({ user: metadata.get("x-user") }),
  });
  const reply = await client.call(
    "greeter",
    "Greeter.Hello",
    {},
    { timeoutMs: 300, metadata: { "x-user": "john" } },
  );
  expect(reply).toEqual({ user: "john" });
  expect(calls[1]?.deadline).toBeLessThanOrEqual(calls[0]?.deadline ?? 0);
});

test("a call that takes too long ends at its timeout", async () => {
  const { client } = await greeter({ Hello: () => new Promise(() => {}) });
  const error = await client
    .call("greeter", "Greeter.Hello", {}, { timeoutMs: 20 })
    .catch((thrown) => thrown);
  expect(error.code).toBe("deadline_exceeded");
});

test("a call whose signal is aborted is cancelled", async () => {
  const { client } = await greeter({ Hello: () => new Promise(() => {}) });
  const gone = new AbortController();
  const reply = client
    .call("greeter", "Greeter.Hello", {}, { signal: gone.signal })
    .catch((thrown) => thrown);
  gone.abort();
  expect((await reply).code).toBe("cancelled");
});

test("a stream of replies is read as an async iterable", async () => {
  const { client } = await greeter({
    async *Count({ to }) {
      for (let i = 0; i < to; i++) yield { i };
    },
  });
  const seen: unknown[] = [];
  for await (const reply of client.stream("greeter", "Greeter.Count", { to: 3 })) seen.push(reply);
  expect(seen).toEqual([{ i: 0 }, { i: 1 }, { i: 2 }]);
});

test("an endpoint that is not Service.Method is refused before anything is sent", async () => {
  const { client, calls } = await greeter({ Hello: () => ({}) });
  for (const endpoint of ["Hello", ".Hello", "Greeter."]) {
    expect((await client.call("greeter", endpoint).catch((thrown) => thrown)).code).toBe("invalid_argument");
  }
  expect(calls).toEqual([]);
});

test("a method whose replies stream is not called for one, nor one that takes one request given many", async () => {
  const { client, calls } = await greeter({ Hello: () => ({}) });
  const type = jsonMethod("greeter.Greeter", "Hello", { responseStream: true });
  expect(await client.call("greeter", "Greeter.Hello", {}, { type }).catch((thrown) => thrown)).toMatchObject(
    {
      code: "invalid_argument",
      hint: "read them with client.stream",
    },
  );
  async function* many() {
    yield {};
  }
  const unary = jsonMethod("greeter.Greeter", "Hello");
  const refused = client.call("greeter", "Greeter.Hello", many(), { type: unary });
  expect((await refused.catch((thrown) => thrown)).code).toBe("invalid_argument");
  expect(calls).toEqual([]);
});

test("a method without a stream of replies is a stream of one", async () => {
  const { client } = await greeter({ Hello: ({ name }) => ({ greeting: name }) });
  const type = jsonMethod("greeter.Greeter", "Hello");
  const seen: unknown[] = [];
  for await (const reply of client.stream("greeter", "Greeter.Hello", { name: "a" }, { type }))
    seen.push(reply);
  expect(seen).toEqual([{ greeting: "a" }]);
});

test("a call under way ends when the pool is closed, and none is made after", async () => {
  const begun = Promise.withResolvers<void>();
  const { client, pool } = await greeter({
    Hello() {
      begun.resolve();
      return new Promise(() => {});
    },
  });
  const reply = client.call("greeter", "Greeter.Hello", {}, { timeoutMs: 60_000 }).catch((thrown) => thrown);
  await begun.promise;
  await pool[Symbol.asyncDispose]();
  expect((await reply).code).toBe("cancelled");
  const after = await client.call("greeter", "Greeter.Hello").catch((thrown) => thrown);
  expect(after).toMatchObject({ code: "unavailable", message: expect.stringContaining("closed") });
});

test("a stream of replies that was read is not read again as an empty one", async () => {
  const { client } = await greeter({
    async *Count() {
      yield { n: 1 };
    },
  });
  const replies = client.stream("greeter", "Greeter.Count");
  const seen: unknown[] = [];
  for await (const reply of replies) seen.push(reply);
  const read = async () => {
    for await (const reply of replies) seen.push(reply);
  };
  expect(await read().catch((thrown) => thrown)).toMatchObject({
    code: "failed_precondition",
    message: "greeter Greeter.Count: its replies were read already",
  });
  expect(seen).toEqual([{ n: 1 }]);
});

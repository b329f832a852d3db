import { expect, test } from "bun:test";
import { memoryBroker } from "../broker/memory.ts";
import { silentLog } from "../log.ts";
import type { SeenEvent } from "./inspect.ts";
import { watchBroker } from "./watched-broker.ts";

async function passed(
  bodies: boolean,
  payload: unknown,
  metadata: Record<string, string> = {},
): Promise<SeenEvent[]> {
  const seen: SeenEvent[] = [];
  const inner = memoryBroker(silentLog, {
    source: "/test",
    maxMessageBytes: 1_000_000,
    drainTimeoutMs: 1000,
  } as never);
  const { broker, events } = watchBroker(inner, { bodies, seen: (event) => seen.push(event) });
  const { promise, resolve } = Promise.withResolvers<void>();
  await broker.subscribe("bought", () => resolve());
  await broker.publish("bought", payload, { metadata });
  await promise;
  await broker[Symbol.asyncDispose]();
  expect([...events.records()]).toEqual(seen);
  return seen;
}

test("what is published and received is told, with its size and header", async () => {
  const seen = await passed(true, { name: "Jo" }, { "x-user": "7" });
  expect(seen.map(({ direction }) => direction).toSorted()).toEqual(["published", "received"]);
  for (const { topic, size, body, header } of seen) {
    expect([topic, size, body]).toEqual(["bought", 13, '{"name":"Jo"}']);
    expect(header["x-user"] ?? header["X-User"]).toBe("7");
  }
});

test("payloads are not told where they must not be", async () => {
  for (const event of await passed(false, { name: "Jo" })) {
    expect(event.size).toBe(13);
    expect(event).not.toHaveProperty("body");
  }
});

test("of a payload the beginning is told, of a header no token", async () => {
  const seen = await passed(true, "x".repeat(5000), { authorization: "Bearer secret", "x-token": "secret" });
  for (const { body, header } of seen) {
    expect(body!.length).toBe(1024);
    expect(JSON.stringify(header)).not.toContain("secret");
  }
});

test("a handler that fails is told, and fails as before", async () => {
  const seen: SeenEvent[] = [];
  let handler: (payload: unknown, message: never) => unknown = () => {};
  const inner = {
    name: "fake",
    publish: async () => Promise.reject(new Error("full")),
    subscribe: async (_: string, given: typeof handler) => {
      handler = given;
      return { async [Symbol.asyncDispose]() {} };
    },
    trouble: () => undefined,
    async [Symbol.asyncDispose]() {},
  };
  const { broker } = watchBroker(inner as never, { bodies: true, seen: (event) => seen.push(event) });
  expect(broker.publish("a", {})).rejects.toThrow("full");
  await broker.subscribe("a", () => {
    throw new Error("no");
  });
  const message = { topic: "a", header: {}, body: new Uint8Array(), attempt: 1 };
  expect(handler({}, message as never)).rejects.toThrow("no");
  await Promise.resolve();
  expect(seen.map(({ error }) => error).toSorted()).toEqual(["full", "no"]);
});

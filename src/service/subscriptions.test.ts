import { expect, test } from "bun:test";
import { memoryBroker } from "../broker/memory.ts";
import { silentLog } from "../log.ts";
import { readModule } from "./module.ts";
import { subscribeAll } from "./subscriptions.ts";

const handler = () => {};
const read = (orders: unknown) => readModule({ default: { name: "shop", subscribe: { orders } } }).definition;

test("a module subscribes by a function, or by an object with a handler", () => {
  expect(read(handler).subscribe?.orders).toBe(handler);
  const whole = {
    handler,
    queue: false,
    concurrency: 4,
    ack: "manual",
    ackTimeoutMs: 10,
    retry: { attempts: 3, backoffMs: 0 },
    deadLetter: "dead",
    type: "shop.Order",
  };
  expect(read(whole).subscribe?.orders).toEqual(whole as never);
});

test.each([
  [1, "subscribe.orders is a number, not a function or an object with a handler"],
  [{ queue: "a" }, "subscribe.orders is an object, not a function or an object with a handler"],
  [{ handler: 1 }, "subscribe.orders.handler is a number, not a function"],
  [{ handler, concurency: 1 }, "subscribe.orders.concurency means nothing, did you mean concurrency?"],
  [{ handler, concurrency: 0 }, "subscribe.orders.concurrency is a number, not a whole number from 1"],
  [{ handler, queue: true }, "subscribe.orders.queue is a boolean, not a name or false"],
  [{ handler, ack: "none" }, 'subscribe.orders.ack is "none", not auto or manual'],
  [{ handler, retry: { attempts: 1.5 } }, "subscribe.orders.retry.attempts is a number, not a whole number"],
  [{ handler, retry: { tries: 2 } }, "subscribe.orders.retry.tries means nothing"],
])("a subscription %j is refused", (orders, why) => {
  expect(() => read(orders)).toThrow(why);
});

test("the instances of a service share a topic's messages, except where queue is false", async () => {
  const broker = memoryBroker(silentLog);
  const got: string[] = [];
  const subscribe = {
    shared: () => got.push("shared"),
    all: { handler: () => got.push("all"), queue: false as const },
  };
  await using _a = await subscribeAll(broker, subscribe, "shop", silentLog);
  await using _b = await subscribeAll(broker, subscribe, "shop", silentLog);
  await broker.publish("shared", 1);
  await broker.publish("all", 1);
  await new Promise((resolve) => setImmediate(resolve));
  expect(got.sort()).toEqual(["all", "all", "shared"]);
});

test("when one subscription is refused none is left", async () => {
  const broker = memoryBroker(silentLog);
  let count = 0;
  const subscribe = { good: () => count++, "not good": () => {} };
  await expect(subscribeAll(broker, subscribe, "shop", silentLog)).rejects.toThrow("holds blanks");
  await broker.publish("good", 1);
  await new Promise((resolve) => setImmediate(resolve));
  expect(count).toBe(0);
});

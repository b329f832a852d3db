/** What every broker must do. */
import { expect, test } from "bun:test";
import type { Broker } from "./broker.ts";

/** @param settled resolves when everything published so far was handled */
export function brokerContract(
  name: string,
  make: () => Promise<Broker>,
  settled: () => Promise<void>,
): void {
  test(`${name}: every subscriber of a topic gets each message, with a payload of its own`, async () => {
    const broker = await make();
    const seen: unknown[] = [];
    const keep = (payload: { list: number[] }) => seen.push(payload.list.push(2) && payload);
    await using _a = await broker.subscribe("t", keep);
    await using _b = await broker.subscribe("t", keep);
    await broker.publish("t", { list: [1] });
    await settled();
    expect(seen).toEqual([{ list: [1, 2] }, { list: [1, 2] }]);
  });

  test(`${name}: of a queue one subscriber gets each message`, async () => {
    const broker = await make();
    let count = 0;
    await using _a = await broker.subscribe("t", () => count++, { queue: "q" });
    await using _b = await broker.subscribe("t", () => count++, { queue: "q" });
    await broker.publish("t", {});
    await settled();
    expect(count).toBe(1);
  });

  test(`${name}: a message carries its topic, type and metadata`, async () => {
    const broker = await make();
    const headers: unknown[] = [];
    await using _ = await broker.subscribe("t", (_, { topic, header }) => headers.push(topic, header));
    await broker.publish("t", { a: 1 }, { metadata: { "x-foo": "bar" } });
    await settled();
    expect(headers).toEqual([
      "t",
      { "x-foo": "bar", "Content-Type": "application/json", "Micro-Topic": "t" },
    ]);
  });

  test(`${name}: bytes arrive as they are`, async () => {
    const broker = await make();
    let got: unknown;
    await using _ = await broker.subscribe("t", (payload) => {
      got = payload;
    });
    await broker.publish("t", new Uint8Array([1, 2]));
    await settled();
    expect(got).toEqual(new Uint8Array([1, 2]));
  });

  test(`${name}: a subscriber that fails harms neither the publisher nor the others`, async () => {
    const broker = await make();
    let count = 0;
    await using _a = await broker.subscribe("t", () => Promise.reject(new Error("no")));
    await using _b = await broker.subscribe("t", () => count++);
    await broker.publish("t", {});
    await settled();
    expect(count).toBe(1);
  });

  test(`${name}: an ended subscription gets nothing`, async () => {
    const broker = await make();
    let count = 0;
    const subscription = await broker.subscribe("t", () => count++);
    await subscription[Symbol.asyncDispose]();
    await broker.publish("t", {});
    await settled();
    expect(count).toBe(0);
  });

  test(`${name}: an empty topic is refused`, async () => {
    const broker = await make();
    expect(broker.publish("", {})).rejects.toThrow("publish: the topic is empty");
  });
}

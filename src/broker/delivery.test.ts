import { describe, expect, test } from "bun:test";
import { silentLog } from "../log.ts";
import type { Letter } from "./carrier.ts";
import { type DeliveryOptions, maxWaiting, openDelivery, UnreadableError } from "./delivery.ts";

const letter: Letter = { topic: "t", header: {}, body: new Uint8Array(1) };

function delivery(options: Partial<DeliveryOptions>) {
  const given: { error: unknown; attempts: number }[] = [];
  const opened = openDelivery({
    concurrency: 1,
    attempts: 1,
    backoffMs: 0,
    redelivers: false,
    handle: async () => {},
    giveUp: async (_, error, attempts) => given.push({ error, attempts }) > 0,
    log: silentLog,
    ...options,
  });
  return { ...opened, opened, given };
}

describe("a delivery", () => {
  test("handles letters in their order where one is handled at once", async () => {
    const seen: string[] = [];
    const { opened } = delivery({ handle: async ({ topic }) => void seen.push(topic) });
    await Promise.all(["a", "b", "c"].map((topic) => opened.take({ ...letter, topic })));
    expect(seen).toEqual(["a", "b", "c"]);
  });

  test("tries again as often as it may, then gives up", async () => {
    let count = 0;
    const handle = async () => {
      count++;
      throw new Error("no");
    };
    const { opened, given } = delivery({ attempts: 3, handle });
    expect(await opened.take(letter)).toBe("done");
    expect(count).toBe(3);
    expect(given).toEqual([{ error: new Error("no"), attempts: 3 }]);
  });

  test("tries what cannot be read once", async () => {
    let count = 0;
    const handle = async () => {
      count++;
      throw new UnreadableError("not JSON");
    };
    const { opened, given } = delivery({ attempts: 3, handle });
    await opened.take(letter);
    expect([count, given.length]).toEqual([1, 1]);
  });

  test("leaves the wait to a carrier that brings letters again", async () => {
    const handle = () => Promise.reject(new Error("no"));
    const { opened, given } = delivery({ attempts: 2, backoffMs: 100, redelivers: true, handle });
    const { againMs } = (await opened.take(letter, 1)) as { againMs: number };
    expect(againMs).toBeWithin(75, 126);
    expect(given).toEqual([]);
    expect(await opened.take(letter, 2)).toBe("done");
    expect(given).toHaveLength(1);
  });

  test("does not try again what has come too often, as it may have ended the process each time", async () => {
    let count = 0;
    const { opened, given } = delivery({ attempts: 2, redelivers: true, handle: async () => void count++ });
    expect(await opened.take(letter, 3)).toBe("done");
    expect([count, given.length]).toEqual([0, 1]);
  });

  test("brings again what could not be set aside, where the carrier can", async () => {
    const handle = () => Promise.reject(new Error("no"));
    const { opened } = delivery({ redelivers: true, handle, giveUp: async () => false });
    expect(await opened.take(letter, 1)).toHaveProperty("againMs");
  });

  test("is full when as many wait as may, and has room when one was begun", async () => {
    const gate = Promise.withResolvers<void>();
    const { opened } = delivery({ handle: () => gate.promise });
    for (let n = 0; n <= maxWaiting; n++) void opened.take(letter);
    expect(opened.full).toBe(true);
    expect(await opened.room(0)).toBe(false);
    const room = opened.room(60_000);
    gate.resolve();
    expect(await room).toBe(true);
    expect(opened.full).toBe(false);
  });

  test("that is closed refuses letters and tells the handlers at work", async () => {
    let told = false;
    const handle = (_: Letter, __: number, signal: AbortSignal) =>
      new Promise<void>((resolve) =>
        signal.addEventListener("abort", () => {
          told = true;
          resolve();
        }),
      );
    const { opened } = delivery({ handle });
    const [begun, waiting] = [opened.take(letter), opened.take(letter)];
    await opened.close(0);
    expect(told).toBe(true);
    expect(await Promise.all([begun, waiting, opened.take(letter)])).toEqual(["done", "refused", "refused"]);
  });

  test("that is closed handles what waits, if there is time", async () => {
    let count = 0;
    const { opened } = delivery({ handle: async () => void count++ });
    const all = Promise.all([1, 2, 3].map(() => opened.take(letter)));
    await opened.close(60_000);
    expect(count).toBe(3);
    expect(await all).toEqual(["done", "done", "done"]);
  });
});

/** What every broker must do, whatever carries its messages. */
import { expect, test } from "bun:test";
import type { Message, OpenBroker } from "./broker.ts";

export interface BrokerUnderTest {
  readonly name: string;
  /** Where its subscribers are found by another broker of the same place. */
  readonly place: () => AsyncDisposable & { broker(): Promise<OpenBroker> };
  /** A message that is not handled comes again by itself. @default false */
  readonly redelivers?: boolean;
}

/** How long a message may be under way, ms. */
const deadlineMs = 5000;
/** How long nothing more must come, ms. */
const quietMs = 50;

/** Resolves when it holds. */
async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`not so after ${deadlineMs} ms: ${holds}`);
    await Bun.sleep(2);
  }
}

const quiet = (): Promise<void> => Bun.sleep(quietMs);

/** Each test has topics of its own: a place may be shared. */
const topicName = (): string => `t.${crypto.randomUUID().slice(0, 8)}`;

export function brokerContract({ name, place, redelivers = false }: BrokerUnderTest): void {
  const scene = async (play: (broker: OpenBroker, topic: string, other: OpenBroker) => Promise<void>) => {
    await using all = place();
    await using broker = await all.broker();
    await using other = await all.broker();
    await play(broker, topicName(), other);
  };

  test(`${name}: every subscriber of a topic gets each message, with a payload of its own`, () =>
    scene(async (broker, topic) => {
      const seen: unknown[] = [];
      const keep = (payload: { list: number[] }) => seen.push(payload.list.push(2) && payload);
      await using _a = await broker.subscribe(topic, keep);
      await using _b = await broker.subscribe(topic, keep);
      await broker.publish(topic, { list: [1] });
      await until(() => seen.length === 2);
      expect(seen).toEqual([{ list: [1, 2] }, { list: [1, 2] }]);
    }));

  test(`${name}: of a queue one subscriber gets each message`, () =>
    scene(async (broker, topic) => {
      const got: number[] = [];
      await using _a = await broker.subscribe(topic, (n) => got.push(n), { queue: "q" });
      await using _b = await broker.subscribe(topic, (n) => got.push(n), { queue: "q" });
      for (let n = 0; n < 20; n++) await broker.publish(topic, n);
      await until(() => got.length >= 20);
      await quiet();
      expect(got.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n));
    }));

  test(`${name}: of two queues on a topic each gets each message`, () =>
    scene(async (broker, topic) => {
      const got: string[] = [];
      await using _a = await broker.subscribe(topic, (n) => got.push(`mail ${n}`), { queue: "mail" });
      await using _b = await broker.subscribe(topic, (n) => got.push(`bill ${n}`), { queue: "bill" });
      await broker.publish(topic, 1);
      await broker.publish(topic, 2);
      await until(() => got.length >= 4);
      await quiet();
      expect(got.sort()).toEqual(["bill 1", "bill 2", "mail 1", "mail 2"]);
    }));

  test(`${name}: a message carries its topic, type and metadata`, () =>
    scene(async (broker, topic) => {
      const headers: unknown[] = [];
      await using _ = await broker.subscribe(topic, (_, { topic, header }) => headers.push(topic, header));
      await broker.publish(topic, { a: 1 }, { metadata: { "x-foo": "bar" } });
      await until(() => headers.length > 0);
      expect(headers).toEqual([
        topic,
        { "x-foo": "bar", "Content-Type": "application/json", "Micro-Topic": topic },
      ]);
    }));

  test(`${name}: bytes arrive as they are`, () =>
    scene(async (broker, topic) => {
      let got: unknown;
      await using _ = await broker.subscribe(topic, (payload) => {
        got = payload;
      });
      await broker.publish(topic, new Uint8Array([1, 2, 255, 0]));
      await until(() => got !== undefined);
      expect(got).toEqual(new Uint8Array([1, 2, 255, 0]));
    }));

  test(`${name}: a subscriber that fails harms neither the publisher nor the others`, () =>
    scene(async (broker, topic) => {
      let count = 0;
      const once = { retry: { attempts: 1 } };
      await using _a = await broker.subscribe(topic, () => Promise.reject(new Error("no")), once);
      await using _b = await broker.subscribe(topic, () => count++);
      await broker.publish(topic, {});
      await until(() => count === 1);
    }));

  test(`${name}: a message handled in vain is tried again, then put on the dead-letter topic`, () =>
    scene(async (broker, topic) => {
      const attempts: number[] = [];
      const dead: Message[] = [];
      await using _a = await broker.subscribe(`${topic}.dead`, (_, message) => dead.push(message));
      await using _b = await broker.subscribe(
        topic,
        (_, { attempt }) => {
          attempts.push(attempt);
          throw new Error("no stock");
        },
        { queue: "q", retry: { attempts: 3, backoffMs: 5 }, deadLetter: `${topic}.dead` },
      );
      await broker.publish(topic, { n: 1 }, { metadata: { "x-foo": "bar" } });
      await until(() => dead.length > 0);
      expect(attempts).toEqual([1, 2, 3]);
      expect(dead[0]?.header).toMatchObject({
        "x-foo": "bar",
        "Dead-Letter-Topic": topic,
        "Dead-Letter-Reason": "no stock",
        "Dead-Letter-Attempts": "3",
      });
    }));

  test(`${name}: what cannot be read goes to the dead-letter topic at once`, () =>
    scene(async (broker, topic) => {
      let handled = 0;
      const dead: Message[] = [];
      await using _a = await broker.subscribe(`${topic}.dead`, (_, message) => dead.push(message), {
        type: "bytes",
      });
      await using _b = await broker.subscribe(topic, () => handled++, {
        queue: "q",
        retry: { attempts: 3 },
        deadLetter: `${topic}.dead`,
      });
      const bytes = new TextEncoder().encode("{");
      await broker.publish(topic, bytes, { contentType: "application/json" });
      await broker.publish(topic, bytes, { contentType: "image/png" });
      await broker.publish(topic, bytes, { contentType: "application/grpc+proto" });
      await until(() => dead.length === 3);
      expect(handled).toBe(0);
      expect(dead.map(({ body }) => new TextDecoder().decode(body))).toEqual(["{", "{", "{"]);
    }));

  test(`${name}: of messages with one idempotency key a subscriber handles the first alone`, () =>
    scene(async (broker, topic, other) => {
      const got: unknown[] = [];
      await using _ = await broker.subscribe(topic, (payload, { key }) => got.push([payload, key]));
      await other.publish(topic, 1, { key: "a" });
      await other.publish(topic, 2, { key: "a" });
      await other.publish(topic, 3, { key: "b" });
      await until(() => got.length === 2);
      await quiet();
      expect(got).toEqual([
        [1, "a"],
        [3, "b"],
      ]);
    }));

  test(`${name}: where acknowledgement is manual, nack brings a message back and ack ends it`, () =>
    scene(async (broker, topic) => {
      const attempts: number[] = [];
      await using _ = await broker.subscribe(
        topic,
        (_, message) => {
          attempts.push(message.attempt);
          setTimeout(() => (message.attempt === 1 ? message.nack("later") : message.ack()), 5);
        },
        { queue: "q", ack: "manual", retry: { attempts: 3, backoffMs: 5 } },
      );
      await broker.publish(topic, {});
      await until(() => attempts.length === 2);
      await quiet();
      expect(attempts).toEqual([1, 2]);
    }));

  test(`${name}: no more handlers work at once than concurrency says`, () =>
    scene(async (broker, topic) => {
      let [now, most, done] = [0, 0, 0];
      await using _ = await broker.subscribe(
        topic,
        async () => {
          most = Math.max(most, ++now);
          await Bun.sleep(5);
          now--;
          done++;
        },
        { queue: "q", concurrency: 3 },
      );
      await Promise.all(Array.from({ length: 20 }, (_, n) => broker.publish(topic, n)));
      await until(() => done === 20);
      expect(most).toBe(3);
    }));

  test(`${name}: CloudEvents arrive with their attributes, binary and structured`, () =>
    scene(async (broker, topic) => {
      const got: [unknown, Message][] = [];
      await using _ = await broker.subscribe(topic, (payload, message) => got.push([payload, message]));
      const cloudEvent = {
        type: "order.created",
        source: "/shop",
        subject: "Grüße 50%",
        extensions: { region: "eu" },
      };
      await broker.publish(topic, { n: 1 }, { cloudEvent, key: "k1" });
      await broker.publish(topic, { n: 2 }, { cloudEvent: { ...cloudEvent, mode: "structured" } });
      await broker.publish(topic, new Uint8Array([7]), { cloudEvent: { ...cloudEvent, mode: "structured" } });
      await until(() => got.length === 3);
      expect(got.map(([payload]) => payload)).toEqual([{ n: 1 }, { n: 2 }, new Uint8Array([7])]);
      for (const [, { event }] of got)
        expect(event).toMatchObject({
          type: "order.created",
          source: "/shop",
          subject: "Grüße 50%",
          region: "eu",
        });
      expect(got[0]?.[1]).toMatchObject({ key: "k1", event: { id: "k1" } });
      expect(got[0]?.[1].header).toMatchObject({
        "ce-specversion": "1.0",
        "ce-subject": "Gr%C3%BC%C3%9Fe%2050%25",
      });
    }));

  test(`${name}: a CloudEvent without data arrives, binary and structured`, () =>
    scene(async (broker, topic) => {
      const got: unknown[] = [];
      await using _ = await broker.subscribe(topic, (payload, { event }) => got.push([event?.id, payload]));
      for (const mode of ["binary", "structured"] as const)
        for (const contentType of ["application/json", "text/plain"])
          await broker.publish(topic, new Uint8Array(), {
            ...{ contentType, cloudEvent: { type: "order.created", id: `${mode} ${contentType}`, mode } },
          });
      await until(() => got.length === 4);
      expect(got.sort()).toEqual([
        ["binary application/json", null],
        ["binary text/plain", null],
        ["structured application/json", null],
        ["structured text/plain", null],
      ]);
    }));

  test(`${name}: an ended subscription gets nothing`, () =>
    scene(async (broker, topic) => {
      let count = 0;
      const subscription = await broker.subscribe(topic, () => count++);
      await subscription[Symbol.asyncDispose]();
      await broker.publish(topic, {});
      await quiet();
      expect(count).toBe(0);
    }));

  test(`${name}: the end of a subscription waits for the handler at work`, () =>
    scene(async (broker, topic) => {
      let [begun, done] = [0, 0];
      const subscription = await broker.subscribe(topic, async () => {
        begun++;
        await Bun.sleep(30);
        done++;
      });
      await broker.publish(topic, {});
      await until(() => begun === 1);
      await subscription[Symbol.asyncDispose]();
      expect(done).toBe(1);
    }));

  if (redelivers)
    test(`${name}: what an ending subscription has not begun goes to another`, () =>
      scene(async (broker, topic, other) => {
        const got: number[] = [];
        const slow = async () => void (await Bun.sleep(200));
        const subscription = await broker.subscribe(topic, slow, { queue: "q", concurrency: 2 });
        for (let n = 0; n < 6; n++) await broker.publish(topic, n);
        await Bun.sleep(50);
        await using _ = await other.subscribe(topic, (n) => got.push(n), { queue: "q" });
        await subscription[Symbol.asyncDispose]();
        await until(() => got.length === 4);
      }));

  test(`${name}: a message that is too large, an empty topic and one of blanks are refused`, () =>
    scene(async (broker, topic) => {
      expect(broker.publish("", {})).rejects.toThrow("publish: the topic is empty");
      expect(broker.publish("a b", {})).rejects.toThrow("publish: the topic holds blanks");
      const large = new Uint8Array(4 * 1024 * 1024 + 1);
      expect(broker.publish(topic, large)).rejects.toThrow("are more than 4194304");
    }));

  test(`${name}: a message without a subscriber harms nobody`, () =>
    scene((broker, topic) => broker.publish(topic, {})));
}

import { expect, test } from "bun:test";
import { discard, iteratorOf } from "../iteration.ts";
import { createPullStream } from "./pull-stream.ts";

test("nothing is read before it is asked for, and each answer serves one who waits", async () => {
  let reads = 0;
  const stream = createPullStream(() => reads++);
  const iterator = stream[Symbol.asyncIterator]();
  expect(reads).toBe(0);
  const both = [iterator.next(), iterator.next()];
  expect(reads).toBe(1);
  stream.push("a");
  expect(reads).toBe(2);
  stream.push("b");
  expect(reads).toBe(2);
  expect(await Promise.all(both)).toEqual([
    { done: false, value: "a" },
    { done: false, value: "b" },
  ]);
});

test("the end is told to all who wait and to all who ask later", async () => {
  const stream = createPullStream(() => {});
  const iterator = stream[Symbol.asyncIterator]();
  const waiting = iterator.next();
  stream.end();
  stream.fail(new Error("too late"));
  expect((await waiting).done).toBe(true);
  expect((await iterator.next()).done).toBe(true);
});

test("a failure is told to all who wait and to all who ask later", async () => {
  const stream = createPullStream(() => {});
  const iterator = stream[Symbol.asyncIterator]();
  const waiting = iterator.next();
  stream.fail(new Error("gone"));
  stream.end();
  expect(waiting).rejects.toThrow("gone");
  expect(iterator.next()).rejects.toThrow("gone");
});

test("a reader that stops is told of once, and one that has read everything not at all", async () => {
  let left = 0;
  const stream = createPullStream(
    () => stream.push("x"),
    () => left++,
  );
  for await (const _ of stream) break;
  expect(left).toBe(1);
  const whole = createPullStream(
    () => whole.end(),
    () => left++,
  );
  for await (const _ of whole);
  expect(left).toBe(1);
});

test("only objects that can be iterated are", () => {
  for (const value of [undefined, null, 7, "text", {}]) expect(iteratorOf(value)).toBeUndefined();
  expect(iteratorOf([1])?.next()).toEqual({ done: false, value: 1 });
});

test("an iterator that is discarded may fail as it likes", async () => {
  discard(undefined);
  const next = () => ({ done: true as const, value: undefined });
  discard({
    next,
    return() {
      throw new Error("at once");
    },
  });
  discard({ next: async () => next(), return: () => Promise.reject(new Error("later")) });
  await Promise.resolve();
});

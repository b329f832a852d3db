import { expect, test } from "bun:test";
import { manualClock } from "./manual-clock.contract.ts";
import { workQueue } from "./queue.ts";

const bounds = { workers: 2, firstRetryMs: 100, lastRetryMs: 400 };

/** Work that ends when the test says so. */
function held() {
  const clock = manualClock();
  const begun: string[] = [];
  const ends = new Map<string, (error?: Error) => void>();
  const waits: number[] = [];
  const queue = workQueue(
    {
      work: (key) => {
        begun.push(key);
        return new Promise((resolve, reject) => {
          ends.set(key, (error) => (error === undefined ? resolve() : reject(error)));
        });
      },
      failed: (_, __, waitMs) => waits.push(waitMs),
      clock,
      random: () => 1,
    },
    bounds,
  );
  const end = async (key: string, error?: Error) => {
    ends.get(key)?.(error);
    await clock.pass(0);
  };
  return { clock, begun, waits, queue, end };
}

test("a key named many times is worked on once, and once more where it was named meanwhile", async () => {
  const { clock, begun, queue, end } = held();
  for (let i = 0; i < 5; i++) queue.add("a");
  await clock.pass(0);
  expect(begun).toEqual(["a"]);
  for (let i = 0; i < 5; i++) queue.add("a");
  await clock.pass(0);
  // never twice at the same time
  expect(begun).toEqual(["a"]);
  await end("a");
  expect(begun).toEqual(["a", "a"]);
  await end("a");
  await clock.pass(1000);
  expect(begun).toEqual(["a", "a"]);
});

test("so many keys are worked on at once, the others in their order", async () => {
  const { clock, begun, queue, end } = held();
  for (const key of ["a", "b", "c", "d"]) queue.add(key);
  await clock.pass(0);
  expect(begun).toEqual(["a", "b"]);
  await end("b");
  expect(begun).toEqual(["a", "b", "c"]);
  await end("a");
  expect(begun).toEqual(["a", "b", "c", "d"]);
});

test("a key that fails is tried again after waits that double up to a bound, each key its own", async () => {
  const { clock, begun, waits, queue, end } = held();
  queue.add("a");
  for (const wait of [100, 200, 400, 400]) {
    await clock.pass(0);
    await end("a", new Error("no"));
    expect(waits.at(-1)).toBe(wait);
    await clock.pass(wait - 1);
    const before = begun.length;
    await clock.pass(1);
    expect(begun.length).toBe(before + 1);
  }
  queue.add("b");
  await clock.pass(0);
  await end("b", new Error("no"));
  expect(waits.at(-1)).toBe(100);
});

test("a change comes before the wait is over, and success ends the doubling", async () => {
  const { clock, begun, waits, queue, end } = held();
  queue.add("a");
  await clock.pass(0);
  await end("a", new Error("no"));
  queue.add("a");
  await clock.pass(0);
  expect(begun).toEqual(["a", "a"]);
  await end("a");
  // the retry that was due is none any more
  await clock.pass(1000);
  expect(begun).toEqual(["a", "a"]);
  queue.add("a");
  await clock.pass(0);
  await end("a", new Error("no"));
  expect(waits).toEqual([100, 100]);
});

test("a queue that is closed waits for the work under way, and begins no more", async () => {
  const { clock, begun, queue, end } = held();
  for (const key of ["a", "b", "c"]) queue.add(key);
  await clock.pass(0);
  let closed = false;
  const closing = queue[Symbol.asyncDispose]().then(() => {
    closed = true;
  });
  await end("a");
  expect(closed).toBe(false);
  await end("b", new Error("no"));
  await closing;
  queue.add("d");
  await clock.pass(1000);
  expect(begun).toEqual(["a", "b"]);
});

import { expect, test } from "bun:test";
import { inParallel } from "./parallel.ts";

test("four at most are under way at once, and each is done", async () => {
  let now = 0;
  let most = 0;
  const done: number[] = [];
  await inParallel(
    [...Array(10).keys()],
    async (item) => {
      most = Math.max(most, ++now);
      await Promise.resolve();
      now--;
      done.push(item);
    },
    () => {},
  );
  expect([most, done.length]).toEqual([4, 10]);
});

test("the first failure stops what is under way, and is what is told", async () => {
  const begun: number[] = [];
  const stops: unknown[] = [];
  const work = async (item: number): Promise<void> => {
    begun.push(item);
    if (item !== 1) await Promise.resolve();
    throw new Error(`of ${item}`);
  };
  const failure = await inParallel([...Array(10).keys()], work, (error) => stops.push(error)).catch(
    (error: unknown) => error,
  );
  expect(failure).toEqual(new Error("of 1"));
  expect(stops).toEqual([failure]);
  expect(begun).toEqual([0, 1, 2, 3]);
});

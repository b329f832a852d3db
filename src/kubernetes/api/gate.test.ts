import { expect, test } from "bun:test";
import { gate } from "./gate.ts";

const never = new AbortController().signal;

test("only so many are inside, and the line moves in order", async () => {
  const { enter } = gate(2);
  const [first, second] = [await enter(never), await enter(never)];
  const entered: number[] = [];
  const waiting = [3, 4].map(async (number) => {
    const turn = await enter(never);
    entered.push(number);
    return turn;
  });
  await Promise.resolve();
  expect(entered).toEqual([]);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  const third = await waiting[0]!;
  expect(entered).toEqual([3]);
  third[Symbol.dispose]();
  second[Symbol.dispose]();
  await waiting[1];
  expect(entered).toEqual([3, 4]);
});

test("whoever gives up loses nobody's turn", async () => {
  const { enter } = gate(1);
  const inside = await enter(never);
  const stop = new AbortController();
  const given = enter(stop.signal);
  const after = enter(never);
  stop.abort(new Error("no longer"));
  // in the same turn of the loop, before the first has seen that it was stopped
  inside[Symbol.dispose]();
  await expect(given).rejects.toThrow("no longer");
  (await after)[Symbol.dispose]();
  await expect(enter(stop.signal)).rejects.toThrow("no longer");
  await enter(never);
});

import { expect, test } from "bun:test";
import { type Account, charge, createMemory, isCrowding, leave, type Memory } from "./memory.ts";

function join(memory: Memory, bytes = 0): Account & { shedTimes: number } {
  const account = {
    heldBytes: 0,
    open: true,
    shedTimes: 0,
    shed() {
      account.shedTimes += 1;
    },
  };
  memory.accounts.add(account);
  charge(memory, account, bytes);
  return account;
}

test("the one that holds most is shed when all together hold too much, and no other", async () => {
  const memory = createMemory(100);
  const small = join(memory, 20);
  const large = join(memory, 60);
  expect(large.shedTimes).toBe(0);
  charge(memory, small, 30);
  await Promise.resolve();
  expect([small.shedTimes, large.shedTimes, memory.heldBytes]).toEqual([0, 1, 50]);
});

test("what an account charges after it has left is nobody's", () => {
  const memory = createMemory(100);
  const account = join(memory, 40);
  leave(memory, account);
  charge(memory, account, -40);
  charge(memory, account, 10);
  expect(memory.heldBytes).toBe(0);
});

test("whoever holds more than its share crowds a memory that is half full", () => {
  const memory = createMemory(100);
  const large = join(memory, 45);
  const small = join(memory, 5);
  expect(isCrowding(memory, large)).toBe(false);
  charge(memory, large, 1);
  expect([isCrowding(memory, large), isCrowding(memory, small)]).toEqual([true, false]);
});

import { expect, test } from "bun:test";
import { createRetryBudget } from "./budget.ts";

function spent(budget: { spend(): boolean }): number {
  let count = 0;
  while (budget.spend()) count += 1;
  return count;
}

test("a budget begins with a few retries, and earns one with every fifth call", () => {
  const budget = createRetryBudget(() => 0);
  expect(spent(budget)).toBe(10);
  for (let call = 0; call < 26; call++) budget.earn();
  expect(spent(budget)).toBe(5);
});

test("a budget earns one retry a second, and saves up no more than a few", () => {
  let now = 0;
  const budget = createRetryBudget(() => now);
  spent(budget);
  now += 3000;
  expect(spent(budget)).toBe(3);
  now += 3_600_000;
  for (let call = 0; call < 1000; call++) budget.earn();
  expect(spent(budget)).toBe(10);
});

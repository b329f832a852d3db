import { expect, test } from "bun:test";
import { ConnectionError } from "./connection-error.ts";
import { costs, createFloodBudget, earnByUse, spend } from "./flood-budget.ts";
import { errorCodes } from "./h2.ts";

test("a budget is spent after its burst, and comes back with time", () => {
  let now = 0;
  const budget = createFloodBudget(() => now);
  for (let i = 0; i < 50; i++) spend(budget, costs.settings);
  let code: unknown;
  try {
    spend(budget, costs.settings);
  } catch (error) {
    code = error instanceof ConnectionError && error.code;
  }
  expect(code).toBe(errorCodes.enhanceYourCalm);
  now = 1_000;
  for (let i = 0; i < 8; i++) spend(budget, costs.settings);
  expect(() => {
    for (let i = 0; i < 3; i++) spend(budget, costs.settings);
  }).toThrow("flood");
});

test("frames that carry something pay for the PINGs that go with them", () => {
  const budget = createFloodBudget(() => 0);
  for (let i = 0; i < 10_000; i++) {
    earnByUse(budget);
    spend(budget, costs.ping);
  }
  expect(() => {
    for (let i = 0; i < 600; i++) spend(budget, costs.ping);
  }).toThrow("flood");
});

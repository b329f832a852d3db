import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import { createDeadlines, type Expiring } from "./deadlines.ts";

let now = 0;
const told: string[] = [];
const one = (name: string): Expiring => ({ expire: () => told.push(name) });

function pass(ms: number): void {
  for (let i = 0; i < ms; i++) {
    now++;
    jest.advanceTimersByTime(1);
  }
}

beforeEach(() => {
  now = 1_000_003;
  told.length = 0;
  jest.useFakeTimers();
});
afterEach(() => void jest.useRealTimers());

describe("deadlines", () => {
  test("are told in their order, never early and at most a step late", () => {
    const deadlines = createDeadlines(() => now);
    deadlines.add(now + 100, one("b"));
    deadlines.add(now + 20, one("a"));
    pass(19);
    expect(told).toEqual([]);
    pass(11);
    expect(told).toEqual(["a"]);
    pass(69);
    expect(told).toEqual(["a"]);
    pass(11);
    expect(told).toEqual(["a", "b"]);
  });

  test("that were taken back are not told, others of the same step are", () => {
    const deadlines = createDeadlines(() => now);
    const gone = one("gone");
    deadlines.add(now + 50, gone);
    deadlines.add(now + 50, one("stays"));
    deadlines.remove(now + 50, gone);
    deadlines.remove(now + 50, gone);
    pass(60);
    expect(told).toEqual(["stays"]);
  });

  test("that are over already are told soon", () => {
    const deadlines = createDeadlines(() => now);
    deadlines.add(now - 5, one("late"));
    pass(11);
    expect(told).toEqual(["late"]);
  });

  test("one that is told may set the next", () => {
    const deadlines = createDeadlines(() => now);
    deadlines.add(now + 10, { expire: () => deadlines.add(now + 10, one("second")) });
    pass(40);
    expect(told).toEqual(["second"]);
  });

  test("one that comes after all others were taken back is told", () => {
    const deadlines = createDeadlines(() => now);
    const first = one("first");
    deadlines.add(now + 1000, first);
    deadlines.remove(now + 1000, first);
    deadlines.add(now + 30, one("second"));
    pass(41);
    expect(told).toEqual(["second"]);
  });
});

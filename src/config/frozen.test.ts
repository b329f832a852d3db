import { expect, test } from "bun:test";
import { frozen, maxFrozen } from "./frozen.ts";

test("plain objects and arrays are frozen at every depth, and are the same as before", () => {
  const bare = Object.assign(Object.create(null), { list: [{ a: 1 }] });
  const value = { bare, none: null };
  expect(frozen(value)).toBe(value);
  expect([value, bare, bare.list, bare.list[0]].every(Object.isFrozen)).toBe(true);
});

test("dates, maps and instances of classes stay as they are, with all that is in them", () => {
  class Money {
    readonly parts = { cents: 5 };
  }
  const value = { date: new Date(0), map: new Map([["a", {}]]), money: new Money(), run: () => 1 };
  frozen(value);
  const { date, map, money, run } = value;
  expect([date, map, map.get("a"), money, money.parts, run].some(Object.isFrozen)).toBe(false);
});

test("a cycle ends, and no getter runs", () => {
  const value: Record<string, unknown> = {
    get once() {
      throw new Error("it ran");
    },
  };
  value.self = [value];
  frozen(value);
  expect([Object.isFrozen(value), Object.isFrozen(value.self)]).toEqual([true, true]);
});

test("of very many objects some are left as they are", () => {
  const value = Array.from({ length: maxFrozen + 10 }, () => ({}));
  expect(frozen(value).filter((one) => !Object.isFrozen(one))).toHaveLength(11);
});

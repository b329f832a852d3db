import { expect, test } from "bun:test";
import { jsonMethod, type Method } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { createLearnedMethods } from "./learned-methods.ts";

function setting(ask: (service: string) => Promise<Method | undefined>, maxMethods = 10) {
  let time = 0;
  let asked = 0;
  const methods = createLearnedMethods({
    ask: (service) => {
      asked++;
      return ask(service);
    },
    ...{ ttlMs: 100, unknownMs: 10, maxMethods, now: () => time },
  });
  return {
    methods,
    asked: () => asked,
    at: (ms: number) => {
      time = ms;
    },
  };
}

const hello = jsonMethod("greeter.Greeter", "Hello");

test("a method is asked for once, however many want it, until its time is over", async () => {
  const { methods, asked, at } = setting(async () => hello);
  expect(await Promise.all([methods.of("greeter", "A.B"), methods.of("greeter", "A.B")])).toEqual([
    hello,
    hello,
  ]);
  at(99);
  await methods.of("greeter", "A.B");
  expect(asked()).toBe(1);
  at(100);
  await methods.of("greeter", "A.B");
  expect(asked()).toBe(2);
});

test("that there is no such method holds for less, and that nobody answered not at all", async () => {
  let code: "unimplemented" | "unavailable" = "unimplemented";
  const { methods, asked, at } = setting(async () => {
    throw new MicrorunError(code, "no");
  });
  const ask = () => methods.of("greeter", "A.B").catch(() => undefined);
  await ask();
  await ask();
  expect(asked()).toBe(1);
  at(10);
  code = "unavailable";
  await ask();
  await ask();
  expect(asked()).toBe(3);
});

test("a method that is doubted is asked for again, but not at once", async () => {
  const { methods, asked, at } = setting(async () => hello);
  await methods.of("greeter", "A.B");
  expect(methods.doubt("greeter", "A.B")).toBe(false);
  at(10);
  expect(methods.doubt("greeter", "A.B")).toBe(true);
  await methods.of("greeter", "A.B");
  expect(asked()).toBe(2);
});

test("as many methods are kept as may be, those asked for last", async () => {
  const { methods, asked } = setting(async () => hello, 2);
  for (const name of ["a", "b", "a", "c", "a"]) await methods.of(name, "A.B");
  expect(asked()).toBe(3);
});

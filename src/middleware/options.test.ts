import { expect, test } from "bun:test";
import { bulkhead } from "./bulkhead.ts";
import { rateLimit } from "./call-rate.ts";
import { circuitBreaker } from "./circuit-breaker.ts";
import { live } from "./live.ts";
import { byMethod } from "./method-names.ts";
import { callOf, methods, standing } from "./middleware.contract.ts";
import { kinds } from "./option-kinds.ts";
import { timeout } from "./timeout.ts";
import { validate } from "./validate.ts";

const next = async (): Promise<unknown> => ({});

test("options that cannot hold are refused at the start, with what they may be", () => {
  const { around } = standing();
  const cases = [
    [rateLimit({ limit: 0 }), "middleware rateLimit: limit is not a whole number above 0"],
    [
      rateLimit({ limit: 1, by: "ip" as never }),
      'middleware rateLimit: by: "ip": nothing to tell calls apart by',
    ],
    [rateLimit({ limits: 1 } as never), "middleware rateLimit: limits: no such option, did you mean limit?"],
    [timeout({}), "middleware timeout: nothing is limited"],
    [
      timeout({ methods: { "Greeter.Helo": 5 } }),
      "Greeter.Helo: no such method, did you mean Greeter.Hello?",
    ],
    [timeout({ methods: { Hello: 5 } }), '"Hello": not a method'],
    [circuitBreaker({ failureRate: 2 }), "failureRate is not a number above 0, 1 at most"],
    [circuitBreaker({ failures: ["teapot" as never] }), "failures is not a list of cancelled, unknown"],
    [bulkhead({ concurrency: 1.5 }), "concurrency is not a whole number above 0"],
    [validate({ "Greeter.Hello": {} as never }), "Greeter.Hello is not a schema of zod"],
    [validate({ "Greeter.Bye": { "~standard": {} } as never }), "Greeter.Bye: no such method"],
  ] as const;
  for (const [layer, text] of cases) expect(() => layer(next, around), text).toThrow(text);
});

test("options of the configuration are taken when it changes, made anew only when they differ, and kept when they are wrong", () => {
  const { around, set, log } = standing({ limit: 1 });
  let made = 0;
  const held = live(
    "one",
    { limit: kinds.count },
    (config) => ({ limit: config.get<number>("limit") }),
    ({ limit }) => ({ limit, number: ++made }),
  );
  expect(held(around)).toEqual({ limit: 1, number: 1 });
  set({ limit: 1, other: 2 });
  expect(held(around).number).toBe(1);
  set({ limit: 7 });
  expect(held(around)).toEqual({ limit: 7, number: 2 });
  set({ limit: -1 });
  expect([held(around).limit, held(around).limit]).toEqual([7, 7]);
  expect(log.records().map(({ message }) => message)).toEqual([
    "one: what the configuration says is not taken: limit is not a whole number above 0",
  ]);
});

test("a method's full name wins over its short one, and both over all of its service", () => {
  const of = byMethod({ "Greeter.*": 1, "Greeter.Hello": 2, "greeter.Greeter.Hello": 3 }, methods);
  expect([
    of(callOf()),
    of(callOf({ method: "Slow" })),
    of({ ...callOf(), service: "Other", type: undefined as never }),
  ]).toEqual([3, 1, undefined]);
});

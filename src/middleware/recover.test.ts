import { expect, test } from "bun:test";
import { MicrorunError } from "../errors.ts";
import { callOf, refusal, standing } from "./middleware.contract.ts";
import { recover } from "./recover.ts";

class OutOfStock extends Error {}

/** As the runtime answers what a handler throws. */
const failing = (thrown: unknown) => async (): Promise<never> => {
  throw MicrorunError.from(thrown);
};

test("a handler's own error is what is asked about, and a MicrorunError is what the caller is told", async () => {
  const { around } = standing();
  const told: unknown[] = [];
  const layer = recover({
    onError(thrown, call) {
      told.push([thrown, call?.method]);
      if (thrown instanceof OutOfStock) return new MicrorunError("failed_precondition", "none left");
      return undefined;
    },
  });
  const own = new OutOfStock("x");
  expect(await refusal(layer(failing(own), around)(callOf()))).toBe("failed_precondition: none left");
  expect(await refusal(layer(failing(new TypeError("y")), around)(callOf()))).toBe(
    "internal: internal error",
  );
  expect(await refusal(layer(failing(new MicrorunError("not_found", "no user")), around)(callOf()))).toBe(
    "not_found: no user",
  );
  expect(told[0]).toEqual([own, "Hello"]);
});

test("an error in the middle of a stream is asked about, too", async () => {
  const { around } = standing();
  const layer = recover({ onError: () => new MicrorunError("aborted", "no more") });
  const replies = (await layer(async () => {
    return (async function* () {
      yield 1;
      throw new Error("boom");
    })();
  }, around)(callOf())) as AsyncIterable<unknown>;
  expect(async () => {
    for await (const _ of replies);
  }).toThrow("no more");
});

test("what onError throws is logged and changes nothing", async () => {
  const { around, log } = standing();
  const layer = recover({
    onError() {
      throw new Error("sentry is down");
    },
  });
  expect(await refusal(layer(failing(new Error("x")), around)(callOf()))).toBe("internal: internal error");
  expect(log.records()[0]?.message).toBe("middleware recover: onError failed");
});

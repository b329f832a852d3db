import { expect, test } from "bun:test";
import { MicrorunError } from "../errors.ts";
import { type Check, ok } from "./doctor.ts";
import { examine } from "./examination.ts";

const check = (name: string, run: Check["run"]): Check => ({ name, run });

test("findings stand in the order of their checks, whichever is done first", async () => {
  const gate = Promise.withResolvers<void>();
  const slow = check("slow", async () => {
    await gate.promise;
    return [ok("at last")];
  });
  const fast = check("fast", async () => {
    gate.resolve();
    return [ok("at once"), ok("twice")];
  });
  expect(await examine([slow, fast])).toEqual([
    { check: "slow", status: "ok", what: "at last" },
    { check: "fast", status: "ok", what: "at once" },
    { check: "fast", status: "ok", what: "twice" },
  ]);
});

test("a check that throws has failed, with its hint as what to do", async () => {
  const broken = check("broken", async () => {
    throw new MicrorunError("unavailable", "nobody there", { hint: "start it" });
  });
  const worse = check("worse", async () => {
    throw new TypeError("x is undefined");
  });
  expect(await examine([broken, worse])).toEqual([
    { check: "broken", status: "fail", what: "nobody there", todo: "start it" },
    { check: "worse", status: "fail", what: "x is undefined" },
  ]);
});

test("a check that does not end has failed, and is told to stop", async () => {
  let signal: AbortSignal | undefined;
  const endless = check("endless", (given) => {
    signal = given;
    return new Promise(() => {});
  });
  expect(await examine([endless], 1)).toMatchObject([
    { status: "fail", what: "endless: not done after 1 ms" },
  ]);
  expect(signal?.aborted).toBe(true);
});

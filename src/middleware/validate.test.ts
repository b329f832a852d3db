import { expect, test } from "bun:test";
import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";
import type { Call } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { callOf, refusal, standing } from "./middleware.contract.ts";
import { validate } from "./validate.ts";

const { around } = standing();
const echo = async ({ request }: Call): Promise<unknown> => request;

test("a request is what its schema makes of it, and methods without one are left alone", async () => {
  const layer = validate({
    "Greeter.Hello": z.object({ name: z.string().trim(), times: z.number().default(1) }),
  });
  const dispatch = layer(echo, around);
  expect(await dispatch(callOf({ request: { name: " Ann ", more: 1 } }))).toEqual({ name: "Ann", times: 1 });
  expect(await dispatch(callOf({ method: "Slow", request: { any: 1 } }))).toEqual({ any: 1 });
});

test("each fault is told by its path, whoever made the schema", async () => {
  const request = { name: "", items: [{ price: 1 }, { price: -1 }] };
  const schemas = [
    z.object({ name: z.string().min(1), items: z.array(z.object({ price: z.number().min(0) })) }),
    v.object({
      name: v.pipe(v.string(), v.minLength(1)),
      items: v.array(v.object({ price: v.pipe(v.number(), v.minValue(0)) })),
    }),
    type({ name: "string > 0", items: type({ price: "number >= 0" }).array() }),
  ];
  for (const schema of schemas) {
    const thrown = await validate({ "Greeter.*": schema })(
      echo,
      around,
    )(callOf({ request })).catch((error) => error);
    if (!(thrown instanceof MicrorunError)) throw thrown;
    expect([thrown.code, thrown.reason]).toEqual(["invalid_argument", "INVALID_REQUEST"]);
    expect(thrown.violations?.map(({ field }) => field).toSorted()).toEqual(["items[1].price", "name"]);
    expect(thrown.message).toStartWith(`${thrown.violations?.[0]?.field}: `);
    expect(thrown.message).toEndWith(" (and 1 more)");
  }
});

test("of a stream each message is looked at when it is read", async () => {
  const layer = validate({ "Greeter.Hello": z.object({ n: z.number() }) });
  const dispatch = layer(async ({ request }) => {
    const seen: unknown[] = [];
    for await (const one of request as AsyncIterable<unknown>) seen.push(one);
    return seen;
  }, around);
  const requests = async function* (...values: readonly unknown[]) {
    for (const n of values) yield { n };
  };
  expect(await dispatch(callOf({ request: requests(1, 2) }))).toEqual([{ n: 1 }, { n: 2 }]);
  expect(await refusal(dispatch(callOf({ request: requests(1, "2") })))).toStartWith("invalid_argument: n: ");
});

test("rules are asked for where no .proto has any", async () => {
  expect(await refusal(Promise.resolve(validate().ready?.(around)))).toBe(
    "invalid_argument: middleware validate: no .proto imports buf/validate/validate.proto",
  );
});

import { expect, test } from "bun:test";
import { type Call, jsonMethod } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { createRetryBudget } from "./budget.ts";
import { createForward } from "./forward.ts";
import type { Lease } from "./pool.ts";

/** Two instances behind a forward; what became of them. */
function setting(dispatch: (address: string) => Promise<unknown>) {
  const told: string[] = [];
  const released: string[] = [];
  const forward = createForward({
    selector: {
      name: "fixed",
      pick: (_, wish) => (wish?.except?.has("a:1") ? "b:1" : "a:1"),
      report: (address, error) =>
        void told.push(`${address} ${error === undefined ? "well" : MicrorunError.from(error).code}`),
      async [Symbol.asyncDispose]() {},
    },
    pool: {
      connection: (address): Lease => ({
        ...{ dispatch: () => dispatch(address), warm: true, retire: () => {} },
        release: () => void released.push(address),
      }),
      async [Symbol.asyncDispose]() {},
    },
    ...{ retries: 1, budget: createRetryBudget() },
  });
  return { forward, told, released };
}

const call: Call = {
  ...{ service: "any.Thing", method: "Do", request: [], metadata: new Headers() },
  ...{ signal: new AbortController().signal },
  type: jsonMethod("any.Thing", "Do", { requestStream: true, responseStream: true }),
};

async function* three(): AsyncGenerator<number> {
  yield* [1, 2, 3];
}

test("replies are given in turn, and the end is told", async () => {
  const { forward, told, released } = setting(async () => three());
  expect(await Array.fromAsync(await forward("any", call))).toEqual([1, 2, 3]);
  expect([told, released]).toEqual([["a:1 well"], ["a:1"]]);
});

test("a call that its instance never had goes to another one", async () => {
  const { forward, told } = setting(async (address) => {
    if (address === "a:1") throw new MicrorunError("unavailable", "gone", { unsent: true });
    return three();
  });
  expect(await Array.fromAsync(await forward("any", call))).toEqual([1, 2, 3]);
  expect(told).toEqual(["a:1 unavailable", "b:1 well"]);
});

test("what the callee said is thrown as it is", async () => {
  const said = new MicrorunError("not_found", "no such thing");
  const { forward, told } = setting(async () => {
    throw said;
  });
  expect(await forward("any", call).catch((error: unknown) => error)).toBe(said);
  expect(told).toEqual(["a:1 not_found"]);
});

test("a stream that nobody reads to its end, or at all, gives its connection back", async () => {
  for (const reads of [0, 1]) {
    const { forward, released } = setting(async () => three());
    const replies = (await forward("any", call))[Symbol.asyncIterator]();
    for (let read = 0; read < reads; read++) await replies.next();
    await replies.return!();
    expect(released).toEqual(["a:1"]);
    expect(await replies.next()).toEqual({ done: true, value: undefined });
  }
});

import { expect, test } from "bun:test";
import { bulkhead } from "./bulkhead.ts";
import { callOf, refusal, standing } from "./middleware.contract.ts";

const { around } = standing();

/** A handler whose calls end when they are told to. */
function held() {
  const running: PromiseWithResolvers<unknown>[] = [];
  return {
    running,
    next: (): Promise<unknown> => {
      const one = Promise.withResolvers<unknown>();
      running.push(one);
      return one.promise;
    },
  };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("calls beyond those under way wait in turn, and beyond these are refused", async () => {
  const { running, next } = held();
  const layer = bulkhead({ concurrency: 1, queue: 1 })(next, around);
  const first = layer(callOf());
  const second = layer(callOf());
  expect(await refusal(layer(callOf()))).toBe("resource_exhausted: too many calls at once");
  expect(running).toHaveLength(1);
  running[0]?.resolve("first");
  expect(await first).toBe("first");
  await settled();
  expect(running).toHaveLength(2);
  running[1]?.reject(new Error("second"));
  expect(second).rejects.toThrow("second");
  await settled();
  const third = layer(callOf());
  expect(running).toHaveLength(3);
  running[2]?.resolve("third");
  expect(await third).toBe("third");
});

test("one that waited too long or was cancelled gives up its place in the row", async () => {
  const { running, next } = held();
  const layer = bulkhead({ concurrency: 1, queue: 1, queueMs: 5 })(next, around);
  const first = layer(callOf());
  expect(await refusal(layer(callOf()))).toBe("resource_exhausted: too many calls at once");
  const gone = new AbortController();
  const left = layer(callOf({ signal: gone.signal }));
  gone.abort();
  expect(await refusal(left)).toBe("cancelled: the call was cancelled");
  running[0]?.resolve(1);
  await first;
  const next2 = layer(callOf());
  running[1]?.resolve(2);
  expect(await next2).toBe(2);
});

test("a streamed reply is under way until its last message, or until its reader leaves", async () => {
  const layer = bulkhead({ concurrency: 1 })(async () => {
    return (async function* () {
      yield 1;
      yield 2;
    })();
  }, around);
  for (const leave of [false, true]) {
    const replies = (await layer(callOf())) as AsyncIterable<number>;
    expect(await refusal(layer(callOf()))).toContain("too many");
    for await (const _ of replies) if (leave) break;
  }
  const gone = new AbortController();
  await layer(callOf({ signal: gone.signal }));
  gone.abort();
  expect(await layer(callOf())).toBeDefined();
});

test("each key has a bulkhead of its own", async () => {
  const { next } = held();
  const layer = bulkhead({ concurrency: 1, by: "metadata:x-tenant" })(next, around);
  void layer(callOf({ metadata: { "x-tenant": "a" } }));
  void layer(callOf({ metadata: { "x-tenant": "b" } }));
  expect(await refusal(layer(callOf({ metadata: { "x-tenant": "a" } })))).toContain("too many");
});

import { expect, test } from "bun:test";
import { MicrorunError } from "../errors.ts";
import { createRequests } from "./requests.ts";

test("requests begin anew as long as no more than the first was taken", async () => {
  const taken: number[] = [];
  let ended = false;
  async function* numbers() {
    try {
      for (let n = 0; n < 3; n++) {
        taken.push(n);
        yield n;
      }
    } finally {
      ended = true;
    }
  }
  const requests = createRequests(numbers());
  const once = requests.stream[Symbol.asyncIterator]();
  expect((await once.next()).value).toBe(0);
  await once.return?.();
  expect([requests.complete(), ended, taken]).toEqual([true, false, [0]]);

  const again = requests.stream[Symbol.asyncIterator]();
  expect([(await again.next()).value, (await again.next()).value]).toEqual([0, 1]);
  expect(requests.complete()).toBe(false);
  requests.end();
  await Bun.sleep(0);
  expect(ended).toBe(true);
  expect((await again.next()).done).toBe(true);
});

test("a first message that is waited for goes to whoever asks next", async () => {
  const source = Promise.withResolvers<string>();
  async function* slow() {
    yield await source.promise;
  }
  const requests = createRequests(slow());
  void requests.stream[Symbol.asyncIterator]().next();
  const again = requests.stream[Symbol.asyncIterator]().next();
  source.resolve("first");
  expect(await again).toEqual({ done: false, value: "first" });
});

test("what the source throws is kept, and says nothing of the callee", async () => {
  for (const thrown of [new Error("disk full"), new MicrorunError("unavailable", "away", { unsent: true })]) {
    const failing = async function* (): AsyncGenerator<unknown> {
      await Promise.reject(thrown);
      yield {};
    };
    const requests = createRequests(failing());
    expect(requests.failure()).toBeUndefined();
    const error = await requests.stream[Symbol.asyncIterator]()
      .next()
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "cancelled", unsent: false });
    const failure = requests.failure();
    if (thrown instanceof MicrorunError) expect(failure).toBe(thrown);
    else expect(failure).toMatchObject({ code: "cancelled", message: "disk full", cause: thrown });
  }
});

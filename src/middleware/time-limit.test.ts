import { expect, test } from "bun:test";
import { type Call, jsonMethod } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { pause } from "../wait.ts";
import { limitTime } from "./time-limit.ts";

const call = (more: Partial<Call> = {}): Call => ({
  service: "Greeter",
  method: "Hello",
  request: {},
  metadata: new Headers({ "x-user": "7" }),
  signal: new AbortController().signal,
  type: jsonMethod("Greeter", "Hello"),
  ...more,
});

test("a call that takes too long is answered deadline_exceeded, and its handler is told", async () => {
  let seen: Call | undefined;
  const dispatch = limitTime(() => 20)(async (given) => {
    seen = given;
    await new Promise(() => given.signal.addEventListener("abort", () => {}));
  });
  const before = Date.now();
  const error = (await dispatch(call()).catch(MicrorunError.from)) as MicrorunError;
  expect(error).toBeInstanceOf(MicrorunError);
  expect(error.code).toBe("deadline_exceeded");
  expect(seen?.signal.reason).toBe(error);
  expect(seen?.deadline).toBeGreaterThanOrEqual(before + 20);
  expect(seen?.metadata.get("x-user")).toBe("7");
});

test("the caller's own end reaches the handler, too", async () => {
  const caller = new AbortController();
  const dispatch = limitTime(() => 60_000)(async ({ signal }) => {
    caller.abort(new MicrorunError("cancelled", "gone"));
    throw signal.reason;
  });
  expect(dispatch(call({ signal: caller.signal }))).rejects.toThrow("gone");
});

test("an answer in time is the answer, however often the limit changes", async () => {
  let ms = 60_000;
  const dispatch = limitTime(() => ms)(async ({ deadline }) => deadline !== undefined);
  expect(await dispatch(call())).toBe(true);
  ms = 0;
  expect(await dispatch(call())).toBe(false);
});

test("a sooner deadline of the caller is left to whoever set it", async () => {
  const deadline = Date.now() + 10;
  const dispatch = limitTime(() => 1000)(async (given) => given.deadline);
  expect(await dispatch(call({ deadline }))).toBe(deadline);
});

test("streams are not limited", async () => {
  const type = jsonMethod("Greeter", "Watch", { responseStream: true });
  const dispatch = limitTime(() => 5)(async (given) => {
    await pause(30);
    return given.deadline;
  });
  expect(await dispatch(call({ type }))).toBeUndefined();
});

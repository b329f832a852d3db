import { expect, test } from "bun:test";
import { MicrorunError, usageError } from "../errors.ts";
import { exitCode, failureLine, failureText } from "./failure.ts";

test("asked wrongly is 2, failed is 1", () => {
  expect(exitCode(usageError("no"))).toBe(2);
  expect(exitCode(new MicrorunError("unavailable", "no"))).toBe(1);
  expect(exitCode(new TypeError("no"))).toBe(1);
});

test("an error of ours is two lines, without a stack", () => {
  expect(failureText(usageError("a: b", "do it"))).toBe("error: a: b\n  hint: do it");
});

test("a cause is shown when debugging, and offered otherwise", () => {
  const error = new MicrorunError("unavailable", "no connection", { cause: new Error("refused") });
  expect(failureText(error)).toBe(
    "error: no connection\n  hint: set MICRO_LOG_LEVEL=debug to see what caused it",
  );
  expect(failureText(error, { debug: true })).toContain("caused by: Error: refused");
});

test("what a module threw is shown with the module's own stack", () => {
  const error = new MicrorunError("internal", "the job failed: boom", { cause: new Error("boom") });
  expect(failureText(error)).toStartWith("error: the job failed: boom\n    Error: boom\n");
  expect(failureText(error)).toContain("failure.test.ts:");
});

test("an error in JSON is one line like those of the log", () => {
  const { time, ...rest } = JSON.parse(failureLine(usageError("a: b", "do it")));
  expect(rest).toEqual({ level: "error", message: "a: b", hint: "do it" });
  expect(new Date(time).getTime()).toBeGreaterThan(0);
  const bug = JSON.parse(failureLine(new TypeError("x is undefined")));
  expect(bug.message).toBe("this is a bug: x is undefined");
  expect(bug.error.stack).toContain("failure.test.ts:");
});

test("an error that is not ours is a bug, with its stack", () => {
  const text = failureText(new TypeError("x is undefined"));
  expect(text).toStartWith("error: this is a bug: x is undefined\n");
  expect(text).toContain("failure.test.ts:");
});

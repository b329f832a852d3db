import { expect, test } from "bun:test";
import { inOrder, logEntry, logText } from "./log-entry.ts";

const record = (
  timestamp: number,
  message: string,
  metadata: Record<string, string> = { level: "info" },
) => ({
  ...{ timestamp: `${timestamp}`, message, metadata },
});

test("lines of several instances are put in the order of their times, those of a second as they came", () => {
  const entries = [
    ...[record(1, "a1"), record(3, "a3"), record(3, "a4")].map((one) => logEntry({ id: "a" }, one)),
    ...[record(2, "b2"), record(3, "b3")].map((one) => logEntry({ id: "b" }, one)),
  ];
  expect(inOrder(entries).map(({ message }) => message)).toEqual(["a1", "b2", "a3", "a4", "b3"]);
});

test("a line says when, who, how important, what, and its fields", () => {
  const entry = logEntry(
    { id: "greeter-1" },
    record(1_767_366_245, "called\n", { level: "warn", by: "a b", n: "7" }),
  );
  expect(logText(entry)).toBe('2026-01-02T15:04:05Z greeter-1 warn  called by="a b" n=7\n');
  expect(JSON.parse(logText(entry, "json"))).toEqual({
    ...{ time: "2026-01-02T15:04:05.000Z", instance: "greeter-1", level: "warn", message: "called\n" },
    fields: { by: "a b", n: "7" },
  });
});

test("a line forges no other and steers no terminal", () => {
  const entry = logEntry({ id: "x" }, record(0, "a\n1970-01-01T00:00:00Z y info  forged\x1b[2J"));
  expect(logText(entry)).toBe(
    "1970-01-01T00:00:00Z x info  a\ufffd1970-01-01T00:00:00Z y info  forged\ufffd[2J\n",
  );
});

test("a line without a level, as Go Micro may tell it, is a line", () => {
  expect(logText(logEntry({ id: "x" }, { timestamp: "0", message: "hi" }))).toBe(
    "1970-01-01T00:00:00Z x       hi\n",
  );
});

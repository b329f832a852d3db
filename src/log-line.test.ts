import { expect, test } from "bun:test";
import { jsonLine, type LogRecord, textLine } from "./log-line.ts";

const record: LogRecord = {
  time: 0,
  level: "warn",
  message: "may not",
  fields: { role: "kind: Role\nrules:\n\t- \u001b[31m\n", hint: "grant it", error: "no" },
};

test("a field of several lines is a block under its line, and cannot drive a terminal", () => {
  expect(textLine(false)(record).split("\n")).toEqual([
    '00:00:00.000 warn  may not hint="grant it"',
    "  role:",
    "    kind: Role",
    "    rules:",
    "    \t- \\x1b[31m",
    "  no",
  ]);
});

test("for machines it is a field like others", () => {
  expect(jsonLine(record)).not.toContain("\n");
  expect(JSON.parse(jsonLine(record)).role).toBe(record.fields.role);
});

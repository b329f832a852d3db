import { expect, test } from "bun:test";
import { covers } from "./nats-subjects.ts";

test.each([
  ["a.b", "a.b", true],
  ["a.*", "a.b", true],
  ["a.>", "a.b.c", true],
  [">", "a", true],
  ["a.>", "a.*", true],
  ["a.b", "a.c", false],
  ["a.*", "a.b.c", false],
  ["a.>", "a", false],
  ["a.*", "a.>", false],
  ["a", "a.b", false],
])("subject %s covers %s: %p", (pattern, subject, yes) => {
  expect(covers(pattern, subject)).toBe(yes);
});

import { expect, test } from "bun:test";
import { type PodEvent, warningIn } from "./pod-events.ts";

const event = (reason: string, first: string, last: string, type = "Warning"): PodEvent => ({
  type,
  reason,
  message: `said at ${last}`,
  firstTimestamp: `2026-01-01T00:00:${first}Z`,
  lastTimestamp: `2026-01-01T00:00:${last}Z`,
});

test("the last warning is told, whatever their order", () => {
  const events = [
    event("FailedMount", "03", "09"),
    event("Old", "01", "01"),
    event("Pulled", "10", "10", "Normal"),
  ];
  expect(warningIn(events, true)).toBe("FailedMount: said at 09");
  expect(warningIn([events[2]!], true)).toBeUndefined();
  expect(warningIn([{ type: "Warning", eventTime: "2026-01-01T00:00:00Z", reason: "X" }], true)).toBe("X");
});

test("a probe that fails while it starts is no trouble yet, unless nobody waits any longer", () => {
  expect(warningIn([event("Unhealthy", "01", "10")], true)).toBeUndefined();
  expect(warningIn([event("Unhealthy", "01", "10")], false)).toBe("Unhealthy: said at 10");
  expect(warningIn([event("Unhealthy", "01", "11")], true)).toBe("Unhealthy: said at 11");
});

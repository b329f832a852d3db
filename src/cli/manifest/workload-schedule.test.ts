import { expect, test } from "bun:test";
import { isSchedule } from "./workload-schedule.ts";

test.each([
  "*/15 * * * *",
  "0 0 1,15 jan-mar MON",
  "59 23 31 12 6",
  "0-30/10 ? * * 0",
  "@daily",
  " 5  4 * * sun ",
])("%s is a schedule", (text) => expect(isSchedule(text)).toBe(true));

test.each([
  ...["61 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 7", "*/0 * * * *", "30-10 * * * *"],
  ...[
    "* * * *",
    "* * * * * *",
    "1-2-3 * * * *",
    "mon * * * *",
    "a * * * *",
    "@often",
    "1, * * * *",
    "1/ * * * *",
  ],
])("%s is none", (text) => expect(isSchedule(text)).toBe(false));

import { expect, test } from "bun:test";
import { MicrorunError } from "../../errors.ts";
import type { Instance } from "../../registry/registry.ts";
import { answersText, type Report } from "./debug-text.ts";
import { readStats, type Stats, statsReport } from "./stats.ts";

const instance = (id: string, version = "1.0.0"): Instance => ({
  ...{ id, version, service: "greeter", metadata: {} },
  address: "127.0.0.1:7111",
});
const health: Report<string> = {
  columns: ["status"],
  cells: (status) => [status],
  data: (status) => ({ status }),
};
const away = new MicrorunError("unavailable", "127.0.0.1:7111: connection refused");
const answers = [
  { instance: instance("greeter-2", "1.10.0"), reply: "ok" },
  { instance: instance("greeter-1"), error: away },
];

test("health is printed as Go Micro's tool prints it, an error in the place of the status", () => {
  expect(answersText("greeter", answers, health, undefined)).toBe(
    "service  greeter\n\nversion 1.0.0\n\nnode\t\taddress:port\t\tstatus\n" +
      "greeter-1\t\t127.0.0.1:7111\t\t127.0.0.1:7111: connection refused\n\n" +
      "version 1.10.0\n\nnode\t\taddress:port\t\tstatus\ngreeter-2\t\t127.0.0.1:7111\t\tok\n",
  );
});

test("as data each instance is an object, with what it answered or why it did not", () => {
  const common = { service: "greeter", address: "127.0.0.1:7111" };
  expect(JSON.parse(answersText("greeter", answers, health, "json"))).toEqual([
    {
      ...{ ...common, version: "1.0.0", id: "greeter-1" },
      error: { code: "unavailable", message: "127.0.0.1:7111: connection refused" },
    },
    { ...common, version: "1.10.0", id: "greeter-2", status: "ok" },
  ]);
  expect(answersText("greeter", answers, health, "yaml")).toContain("status: ok\n");
});

test("what an instance says does not steer a terminal", () => {
  const evil = [{ instance: instance("a\x1b[2J"), reply: "ok\nforged" }];
  expect(answersText("greeter", evil, health, undefined)).toEndWith(
    "\na\ufffd[2J\t\t127.0.0.1:7111\t\tok\ufffdforged\n",
  );
});

const started = new Date(2026, 0, 2, 15, 4, 5).getTime() / 1000;

test("stats are printed as Go Micro's tool prints them", () => {
  const reply: Stats = {
    started,
    uptime: 3723,
    memory: 54_600_000,
    threads: 9,
    gc: 1_234_567,
    requests: 3,
    errors: 1,
  };
  const all = [{ instance: instance("greeter-1"), reply }];
  const head =
    "service  greeter\n\nversion 1.0.0\n\nnode\t\taddress:port\t\tstarted\tuptime\tmemory\tthreads\tgc";
  const row = "greeter-1\t\t127.0.0.1:7111\t\tJan 2 15:04:05\t1h2m3s\t52.07mb\t9\t1.234567ms";
  expect(answersText("greeter", all, statsReport(false), undefined)).toBe(`${head}\n${row}\n`);
  expect(answersText("greeter", all, statsReport(true), "wide")).toBe(
    `${head}\trequests\terrors\n${row}\t3\t1\n`,
  );
});

test("stats of v1's layout are told from those of v2's, however long the service runs", () => {
  const v2 = {
    timestamp: `${started + 60}`,
    started: `${started}`,
    uptime: "60",
    memory: "7",
    threads: "2",
    requests: "5",
  };
  expect(readStats(v2)).toEqual({
    started,
    uptime: 60,
    memory: 7,
    threads: 2,
    gc: 0,
    requests: 5,
    errors: 0,
  });
  // as v2's names stand on v1's fields
  for (const uptime of [undefined, "1", "400000000"]) {
    const v1 = {
      timestamp: `${started}`,
      ...(uptime === undefined ? {} : { started: uptime }),
      uptime: "7",
      memory: "2",
      threads: "99",
    };
    expect(readStats(v1)).toEqual({ started, uptime: Number(uptime ?? 0), memory: 7, threads: 2, gc: 99 });
  }
});

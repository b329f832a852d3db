import { expect, test } from "bun:test";
import { createLog, type LogOptions, maxLogRecords } from "./log.ts";

function lines(options: Partial<LogOptions>, write: (log: ReturnType<typeof createLog>) => void): string[] {
  const written: string[] = [];
  write(createLog({ ...options, write: (line) => written.push(line) }));
  return written;
}

test("a line for people has time, level, message and fields", () => {
  const [line] = lines({}, (log) =>
    log.with({ service: "greeter" }).info("called", { name: "John Doe", ms: 3 }),
  );
  expect(line).toMatch(/^\d\d:\d\d:\d\d\.\d{3} info {2}called service=greeter name="John Doe" ms=3$/);
});

test("a line for machines is one JSON object", () => {
  const [line] = lines({ format: "json" }, (log) => log.warn("slow", { ms: 3, big: 1n }));
  expect(JSON.parse(line ?? "")).toMatchObject({ level: "warn", message: "slow", ms: 3, big: "1" });
});

test("lines below the level are left out", () => {
  expect(lines({ level: "warn" }, (log) => log.info("no"))).toEqual([]);
});

test("secrets are never written, at any depth, nor kept", () => {
  const fields = { password: "hunter2", headers: { authorization: "Bearer x", accept: "json" } };
  for (const format of ["text", "json"] as const) {
    const [line] = lines({ format }, (log) => {
      log.info("called", fields);
      expect(JSON.stringify(log.records()[0]?.fields.password)).toBe('"***"');
    });
    expect(line).not.toMatch(/hunter2|Bearer/);
    expect(line).toContain("accept");
  }
});

test("an error is shown with its stack and its causes", () => {
  const error = new Error("no user", { cause: new TypeError("fetch failed") });
  const [line] = lines({}, (log) => log.error("failed", { error }));
  expect(line).toContain("Error: no user");
  expect(line).toContain("caused by: TypeError: fetch failed");
});

test("control characters cannot forge lines or drive a terminal", () => {
  const [line] = lines({}, (log) => log.info("a\nb\x1b[31m", { name: "x\ny" }));
  expect(line).toContain("a\\x0ab\\x1b[31m");
  expect(line?.split("\n").slice(1)).toEqual(["  name:", "    x", "    y"]);
});

test("the last records are kept, a bounded number, and followed until told otherwise", () => {
  const log = createLog({ write: () => {} });
  let told = 0;
  const unfollow = log.follow(() => told++);
  for (let i = 0; i < maxLogRecords + 10; i++) log.info(`line ${i}`);
  unfollow();
  log.info("last");
  expect(log.records()).toHaveLength(maxLogRecords);
  expect(log.records().at(-1)?.message).toBe("last");
  expect(told).toBe(maxLogRecords + 10);
});

test("nothing that a field holds can make a line fail", () => {
  const cyclic: Record<string, unknown> = { name: "a", password: "hunter2" };
  cyclic.self = cyclic;
  const unreadable = {
    get value() {
      throw new Error("not now");
    },
  };
  for (const format of ["text", "json"] as const) {
    const [line] = lines({ format }, (log) =>
      log.info("called", { cyclic, unreadable, sign: Symbol("s"), nothing: undefined }),
    );
    expect(line).toContain("[circular]");
    expect(line).toContain("not now");
    expect(line).not.toContain("hunter2");
  }
});

test("what was thrown is shown even when it is no error, or nothing at all", () => {
  const cyclic: unknown[] = ["thrown"];
  cyclic.push(cyclic);
  expect(lines({}, (log) => log.error("failed", { error: cyclic }))[0]).toContain("thrown");
  expect(lines({}, (log) => log.error("failed", { error: undefined }))[0]).toContain("undefined");
});

test("a field cannot take the place of the message", () => {
  const [line] = lines({ format: "json" }, (log) => log.info("called", { message: "forged", level: "none" }));
  expect(JSON.parse(line ?? "")).toMatchObject({ message: "called", level: "info" });
});

import { expect, test } from "bun:test";
import { createLog } from "../log.ts";
import { createHealth } from "./checks.ts";

test("a process is live from the start, and ready and started once it serves", async () => {
  const health = createHealth();
  expect(await health.run("live")).toEqual([{ name: "ping", ok: true, reason: "" }]);
  expect(await health.run("ready")).toEqual([{ name: "serving", ok: false, reason: "starting" }]);
  expect(await health.run("startup")).toEqual([{ name: "started", ok: false, reason: "starting" }]);
  health.setServing(true);
  expect((await health.run("ready"))[0]?.ok).toBe(true);
  expect((await health.run("startup"))[0]?.ok).toBe(true);
});

test("a draining process is not ready, but still live and started", async () => {
  const health = createHealth();
  health.setServing(true);
  health.setServing(false);
  expect(health.serving).toBe(false);
  expect(await health.run("ready")).toEqual([{ name: "serving", ok: false, reason: "draining" }]);
  expect((await health.run("live"))[0]?.ok).toBe(true);
  expect((await health.run("startup"))[0]?.ok).toBe(true);
});

test("a check fails by throwing or rejecting, in one line and of its own probe only", async () => {
  const health = createHealth();
  health.add("ready", "throws", () => {
    throw new Error("no\nluck");
  });
  health.add("ready", "rejects", () => Promise.reject(new Error("")));
  health.add("ready", "fine", async () => {});
  expect((await health.run("ready")).slice(1)).toEqual([
    { name: "throws", ok: false, reason: "no luck" },
    { name: "rejects", ok: false, reason: "failed" },
    { name: "fine", ok: true, reason: "" },
  ]);
  expect(await health.run("live")).toHaveLength(1);
});

test("a check that never settles fails in time, is told to stop, and is not started twice", async () => {
  const health = createHealth();
  const signals: AbortSignal[] = [];
  const stuck = Promise.withResolvers<void>();
  health.add(
    "ready",
    "stuck",
    (signal) => {
      signals.push(signal);
      return stuck.promise;
    },
    { timeoutMs: 1 },
  );
  const [both] = await Promise.all([health.run("ready"), health.run("ready")]);
  expect(both[1]).toEqual({ name: "stuck", ok: false, reason: "the check: not done after 1 ms" });
  expect((await health.run("ready"))[1]?.ok).toBe(false);
  expect(signals).toHaveLength(1);
  expect(signals[0]?.aborted).toBe(true);
  stuck.resolve();
  await stuck.promise;
  await Promise.resolve();
  expect((await health.run("ready"))[1]?.ok).toBe(true);
  expect(signals).toHaveLength(2);
});

test("a check's failure is logged once, with its whole reason, and so is its recovery", async () => {
  const log = createLog({ write: () => {} });
  const health = createHealth({ log });
  const state = { ok: false };
  const error = new Error("no\nluck");
  health.add("ready", "database", () => (state.ok ? Promise.resolve() : Promise.reject(error)));
  await health.run("ready");
  await health.run("ready");
  state.ok = true;
  await health.run("ready");
  await health.run("ready");
  expect(log.records().map(({ level, message }) => [level, message])).toEqual([
    ["warn", "check database failed"],
    ["info", "check database is well again"],
  ]);
  expect(String(log.records()[0]?.fields.error)).toContain("no\nluck");
});

test("a check that is excluded is not run", async () => {
  const health = createHealth();
  const hang = (): never => {
    throw new Error("run");
  };
  health.add("ready", "hang", hang);
  health.add("ready", "fine", () => {});
  expect(await health.run("ready", new Set(["hang", "serving"]))).toEqual([
    { name: "fine", ok: true, reason: "" },
  ]);
});

test("a watcher gets the present value at once, then each change, until it is aborted", async () => {
  const health = createHealth();
  const controller = new AbortController();
  const seen = health.watch(controller.signal)[Symbol.asyncIterator]();
  expect(await seen.next()).toEqual({ done: false, value: false });
  const next = seen.next();
  health.setServing(false);
  health.setServing(true);
  expect(await next).toEqual({ done: false, value: true });
  const last = seen.next();
  controller.abort();
  expect((await last).done).toBe(true);
});

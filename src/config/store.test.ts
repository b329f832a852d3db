import { expect, test } from "bun:test";
import { z } from "zod";
import { MicrorunError } from "../errors.ts";
import { createLog, type LogSink, silentLog } from "../log.ts";
import type { Config, ConfigSource } from "./config.ts";
import { envSource } from "./env.ts";
import { memorySource } from "./memory.ts";
import { setSource } from "./set.ts";
import { gatherMs, openConfig } from "./store.ts";

const plain = (value: unknown) => JSON.parse(JSON.stringify(value));
const memoryLog = (): LogSink => createLog({ level: "debug", write: () => {} });
const said = (log: LogSink) => log.records().map(({ level, message }) => `${level} ${message}`);
const broken = (why = "line 3 is broken") => new MicrorunError("invalid_argument", why);

/** Never gives a tree, says this. */
const dead = (name: string, traits: Partial<ConfigSource> = {}, fault?: MicrorunError): ConfigSource => ({
  ...traits,
  name,
  async *watch(signal, tell) {
    if (fault !== undefined) tell(fault);
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  },
});

/** Snapshots as they come; those that came by now are skipped. */
function following(config: Config) {
  const stop = new AbortController();
  const snapshots = config.changes(stop.signal)[Symbol.asyncIterator]();
  return {
    next: async () => (await snapshots.next()).value as Config | undefined,
    async until(is: (config: Config) => boolean): Promise<Config> {
      for (;;) {
        const { value } = await snapshots.next();
        if (value === undefined) throw new Error("the changes ended");
        if (is(value)) return value;
      }
    },
    stop: () => stop.abort(),
  };
}

/** Resolves when the log holds such a line. */
function line(log: LogSink, pattern: RegExp): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const look = (message: string): void => {
    if (pattern.test(message)) resolve(message);
  };
  for (const { message } of log.records()) look(message);
  log.follow(({ message }) => look(message));
  return promise;
}

test("a value is found by words, by dots, and by its fallback", async () => {
  await using store = await openConfig([envSource({ MONGODB_HOST: "127.0.0.1" })], { log: silentLog });
  const config = store.current;
  expect(config.get("mongodb", "host")).toBe("127.0.0.1");
  expect(config.get("mongodb.host")).toBe("127.0.0.1");
  expect(config.get("mongodb.host", "localhost")).toBe("127.0.0.1");
  expect(config.get("mongodb.port", "1")).toBe("1");
  expect(config.get("mongodb", "port", 27017)).toBe(27017);
  expect(config.get("mongodb")).toEqual({ host: "127.0.0.1" });
  expect(config.get("constructor")).toBeUndefined();
  expect(
    (await openConfig([memorySource("m", { list: [1] })], { log: silentLog })).current.get("list.length"),
  ).toBeUndefined();
  expect(config.get("__proto__.toString")).toBeUndefined();
});

test("later sources win key by key, and each change is a new whole snapshot", async () => {
  const source = memorySource("memory:", { mongodb: { host: "configmap" } });
  const env = envSource({ MONGODB_HOST: "env", MONGODB_DB: "envdb" });
  await using store = await openConfig([env, source], { log: silentLog });
  const before = store.current;
  expect(plain(before.data)).toEqual({ mongodb: { host: "configmap", db: "envdb" } });

  const changes = following(before);
  expect((await changes.next())?.get("mongodb.host")).toBe("configmap");
  source.set({ mongodb: { host: "changed" } });
  const after = await changes.next();
  expect(after?.get("mongodb", "host")).toBe("changed");
  expect(before.get("mongodb", "host")).toBe("configmap");
  expect(store.current).toBe(after as Config);
  source.set({});
  expect((await changes.next())?.get("mongodb", "host")).toBe("env");
  changes.stop();
  expect(await changes.next()).toBeUndefined();
});

test("equal content makes no event, whatever the order of its keys and whichever source it is from", async () => {
  const one = memorySource("one", { a: 1, b: { c: 1, d: 2 } });
  const two = memorySource("two", {});
  await using store = await openConfig([one, two], { log: silentLog });
  const changes = following(store.current);
  const first = await changes.next();
  const next = changes.next();
  one.set({ b: { d: 2, c: 1 }, a: 1 });
  two.set({ a: 1 });
  while (store.originOf(["a"]) !== "two") await Bun.sleep(1);
  expect(store.current).toBe(first as Config);
  one.set({ a: 2, b: { c: 2, d: 2 } });
  expect(plain((await next)?.data)).toEqual({ a: 1, b: { c: 2, d: 2 } });
});

test("changes are gathered, so that of many few are taken, and the last one is seen", async () => {
  const source = memorySource("memory:", { n: 0 });
  await using store = await openConfig([source], { log: silentLog });
  const changes = following(store.current);
  let events = 0;
  const last = changes.until((config) => {
    events++;
    return config.get("n") === 100;
  });
  const start = performance.now();
  for (let n = 1; n <= 100; n++) {
    source.set({ n });
    await Bun.sleep(2);
  }
  await last;
  // the first one, one for each time of gathering, and a turn of the loop at either end
  expect(events).toBeLessThanOrEqual(3 + (performance.now() - start) / gatherMs);
});

test("a watch is called when its value changed and at no other change, and not once it ended", async () => {
  const source = memorySource("memory:", { a: { b: 1, list: [1] }, other: 1 });
  const log = memoryLog();
  await using store = await openConfig([source], { log });
  const changes = following(store.current);
  const seen: unknown[] = [];
  store.current.watch("a.b", () => {
    throw new Error("theirs");
  });
  store.current.watch("a.b", async () => Promise.reject(new Error("theirs, later")));
  const end = store.current.watch("a.b", (value) => seen.push(value));
  store.current.watch("a", (value) => seen.push(plain(value ?? null)));
  const change = async (data: Parameters<typeof source.set>[0], other: number) => {
    source.set({ ...data, other });
    await changes.until((config) => config.get("other") === other);
  };
  await change({ a: { list: [1], b: 1 } }, 2);
  expect(seen).toEqual([]);
  await change({ a: { b: 2, list: [1] } }, 3);
  expect(seen).toEqual([2, { b: 2, list: [1] }]);
  end();
  await change({ a: { b: 3 } }, 4);
  await change({}, 5);
  expect(seen.slice(2)).toEqual([{ b: 3 }, null]);
  expect(said(log).filter((text) => text === 'error config.watch("a.b") failed').length).toBe(6);
});

test("a watch on an old snapshot is told what changed since", async () => {
  const source = memorySource("memory:", { a: 1 });
  await using store = await openConfig([source], { log: silentLog });
  const old = store.current;
  source.set({ a: 2 });
  await following(old).until((config) => config.get("a") === 2);
  const { promise, resolve } = Promise.withResolvers<number>();
  old.watch<number>("a", resolve);
  expect(await promise).toBe(2);
});

test("watches without end are refused one day", async () => {
  await using store = await openConfig([], { log: silentLog });
  for (let i = 0; i < 1000; i++) store.current.watch("a", () => {});
  expect(() => store.current.watch("a", () => {})).toThrow("1000 watch already");
});

test("a source without an answer is not waited for longer than said, and comes in later", async () => {
  const log = memoryLog();
  const late = Promise.withResolvers<void>();
  const slow: ConfigSource = {
    name: "slow:",
    async *watch() {
      await late.promise;
      yield { a: "late" };
    },
  };
  await using store = await openConfig([slow, memorySource("memory:", { b: 1 })], { log, waitMs: 20 });
  expect(plain(store.current.data)).toEqual({ b: 1 });
  expect(store.faults.map(({ source, fault }) => `${source} ${fault.message}`)).toEqual([
    "slow: no answer within 20 ms: going on without it",
  ]);
  expect(said(log)).toEqual(["warn config source slow:: no answer within 20 ms: going on without it"]);
  const changes = following(store.current);
  late.resolve();
  await changes.until((config) => config.get("a") === "late");
  expect(await line(log, /well again/)).toBe("config source slow:: all is well again");
  expect(store.faults).toEqual([]);
});

test("a fault that will not pass is not waited out, one that may pass is", async () => {
  const gone = new MicrorunError("permission_denied", "may not be read", { hint: "allow it" });
  const log = memoryLog();
  await using store = await openConfig([dead("d", {}, gone)], { log, waitMs: 1_000_000 });
  expect(store.faults).toEqual([{ source: "d", fault: gone, kept: false }]);
  expect(log.records()[0]?.fields).toEqual({ hint: "allow it" });

  const away: ConfigSource = {
    name: "away",
    async *watch(_, tell) {
      tell(new MicrorunError("unavailable", "nobody there"));
      await Bun.sleep(100);
      yield { a: 1 };
      tell(undefined);
    },
  };
  await using patient = await openConfig([away], { log: silentLog, waitMs: 1_000_000 });
  expect(patient.current.get("a")).toBe(1);
});

test("a required source that is not there fails the start, and one that is there does not", async () => {
  const gone = new MicrorunError("not_found", "no such file", { hint: "write it" });
  const opened = openConfig([dead("a", { required: true }, gone), dead("b", { required: true })], {
    log: silentLog,
    waitMs: 100,
  });
  const error: MicrorunError = await opened.then(
    () => expect.unreachable(),
    (error) => error,
  );
  expect(error.code).toBe("failed_precondition");
  expect(error.message).toBe("config source a: no such file; config source b: no answer within 100 ms");
  expect(error.hint).toBe("write it");
  const empty = memorySource("empty", {}, { required: true });
  await using store = await openConfig([empty], { log: silentLog });
  expect(store.faults).toEqual([]);
});

test("a required source that says it is missing and gives an empty tree fails the start", async () => {
  const source = memorySource("m", {}, { required: true });
  source.fail(new MicrorunError("not_found", "no such object"));
  await expect(openConfig([source], { log: silentLog })).rejects.toThrow("config source m: no such object");
});

test("a fault is logged when it begins, changes and ends, each once; the last tree stays", async () => {
  const log = memoryLog();
  const source = memorySource("m", { a: 1 });
  const shy = memorySource("shy", {}, { optional: true });
  await using store = await openConfig([source, shy], { log });
  source.fail(broken());
  await line(log, /line 3/);
  source.fail(broken());
  shy.fail(new MicrorunError("not_found", "not there"));
  await line(log, /not there/);
  source.fail(broken("line 4 is broken"));
  await line(log, /line 4/);
  expect(store.current.get("a")).toBe(1);
  expect(store.faults.map(({ source }) => source)).toEqual(["m", "shy"]);
  source.fail(undefined);
  await line(log, /well again/);
  expect(said(log)).toEqual([
    "warn config source m: line 3 is broken",
    "debug config source shy: not there",
    "warn config source m: line 4 is broken",
    "warn config source m: all is well again",
  ]);
});

test("of an optional source that holds nothing an absence is nothing to warn of, anything else is", async () => {
  const log = memoryLog();
  const shy = memorySource("shy", {}, { optional: true });
  shy.fail(new MicrorunError("permission_denied", "may not"));
  await using _ = await openConfig([shy], { log });
  shy.fail(undefined);
  await line(log, /well again/);
  shy.fail(broken());
  await line(log, /line 3/);
  shy.fail(new MicrorunError("not_found", "not there"));
  await line(log, /not there/);
  shy.fail(undefined);
  while (log.records().length < 5) await Bun.sleep(1);
  expect(said(log)).toEqual([
    "debug config source shy: may not",
    "debug config source shy: all is well again",
    "warn config source shy: line 3 is broken",
    "debug config source shy: not there",
    "warn config source shy: all is well again",
  ]);
});

test("what fails the start without an order of its own is told with one", async () => {
  const start = (fault: MicrorunError) =>
    openConfig([dead("d", { required: true }, fault)], { log: silentLog });
  for (const [code, hint] of [
    ["not_found", "create it, or take ?required away"],
    ["unavailable", "see that it can be reached, or take ?required away"],
    ["invalid_argument", "set it right, or take ?required away"],
  ] as const)
    await expect(start(new MicrorunError(code, "no"))).rejects.toMatchObject({ hint });
});

test("what is live is the present snapshot whenever it is looked at, in a callback too", async () => {
  const source = memorySource("m", { a: 1 });
  await using store = await openConfig([source], { log: silentLog });
  const { get, watch, scan } = store.live;
  const before = store.current;
  const seen = Promise.withResolvers<unknown[]>();
  watch("a", (value) => seen.resolve([value, get("a"), store.live.data.a, before.get("a")]));
  source.set({ a: 2 });
  expect(await seen.promise).toEqual([2, 2, 2, 1]);
  expect(scan(z.object({ a: z.number() }))).toEqual({ a: 2 });
});

test("a source that throws leaves its last tree standing, and a fault", async () => {
  const failing: ConfigSource = {
    name: "failing",
    async *watch() {
      yield { a: 1 };
      throw new Error("gone");
    },
  };
  const log = memoryLog();
  await using store = await openConfig([failing], { log });
  await line(log, /it failed, its last values stay: gone/);
  expect(store.current.get("a")).toBe(1);
  expect(store.faults.map(({ fault }) => fault.code)).toEqual(["internal"]);
});

test("a tree that is too large is not taken, and is a fault until the next", async () => {
  const log = memoryLog();
  let next = Promise.withResolvers<void>();
  const source: ConfigSource = {
    name: "large",
    async *watch() {
      yield { a: 1 };
      await next.promise;
      next = Promise.withResolvers();
      yield { list: Array(300_000).fill(0) };
      await next.promise;
      yield { a: 2 };
    },
  };
  await using store = await openConfig([source], { log });
  const changes = following(store.current);
  next.resolve();
  await line(log, /large: not taken: more than 200000 values/);
  expect(store.current.get("a")).toBe(1);
  next.resolve();
  await changes.until((config) => config.get("a") === 2);
  expect(store.faults).toEqual([]);
});

test("the origin of a value is the source that has it, of a tree the last that has a part in it", async () => {
  const sources = [
    memorySource("one", { a: { x: 1, y: 1 }, list: [1, 2], b: { deep: 1 }, c: { z: 1 }, only: { one: 1 } }),
    memorySource("two", { a: { y: 2 }, list: [3], b: 5 }),
    memorySource("three", { b: { other: 1 }, c: {} }),
    setSource({ "set.it": "1" }),
  ];
  await using store = await openConfig(sources, { log: silentLog });
  const origins = [
    "a.x",
    "a.y",
    "a",
    "list.0",
    "list.1",
    "b.other",
    "b.deep",
    "b",
    "c",
    "c.z",
    "only",
    "set.it",
    "no",
  ];
  expect(origins.map((path) => `${path}: ${store.originOf(path.split("."))}`)).toEqual([
    "a.x: one",
    "a.y: two",
    "a: two",
    "list.0: two",
    "list.1: undefined",
    "b.other: three",
    "b.deep: undefined",
    "b: three",
    "c: one",
    "c.z: one",
    "only: one",
    "set.it: --set",
    "no: undefined",
  ]);
});

test("what is the runtime's own is without foreign sources, and changes where the whole does not", async () => {
  const file = memorySource("file", { log: { level: "info" }, a: 1 });
  const foreign = memorySource("foreign", { log: "all" }, { foreign: true });
  await using store = await openConfig([file, foreign], { log: silentLog });
  expect([store.current.get("log"), store.own.current.get("log.level")]).toEqual(["all", "info"]);
  expect([store.originOf(["log"]), store.own.originOf(["log", "level"])]).toEqual(["foreign", "file"]);
  const before = store.current;
  const changes = following(store.own.current);
  await changes.next();
  file.set({ log: { level: "debug" }, a: 1 });
  expect((await changes.next())?.get("log.level")).toBe("debug");
  expect(store.current).toBe(before);
  changes.stop();
});

test("a value is secret by its source or its keys, and a tree when all in it is", async () => {
  const sources = [
    memorySource("open", { db: { host: "h", password: "p" }, mixed: { a: 1 }, over: "open" }),
    memorySource("closed", { mixed: { b: 2 }, all: { x: { y: 1 } }, over: "closed" }, { secret: true }),
    memorySource("last", { all: { empty: {} } }),
  ];
  await using store = await openConfig(sources, { log: silentLog });
  const secret = (path: string) => store.isSecret(path.split("."));
  const asked = [
    "db.host",
    "db.password",
    "db",
    "mixed.a",
    "mixed.b",
    "mixed",
    "all.x",
    "all.x.y",
    "all",
    "over",
    "no",
  ];
  expect(asked.filter(secret)).toEqual(["db.password", "mixed.b", "all.x", "all.x.y", "over"]);
});

test("the end of the store ends its sources, its changes and its watches, even when a source does not end", async () => {
  const deaf: ConfigSource = {
    name: "deaf",
    async *watch() {
      yield { a: 1 };
      await new Promise(() => {});
    },
  };
  const store = await openConfig([deaf, memorySource("m", {})], { log: silentLog });
  const changes = following(store.current);
  await changes.next();
  const waiting = changes.next();
  await store[Symbol.asyncDispose]();
  expect(await waiting).toBeUndefined();
});

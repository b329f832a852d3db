import { expect, test } from "bun:test";
import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";
import { MicrorunError } from "../errors.ts";
import { createLog, type LogSink, silentLog } from "../log.ts";
import type { Config, ConfigData, StandardSchema } from "./config.ts";
import { memorySource } from "./memory.ts";
import { wholeText } from "./snapshot.ts";
import { openConfig } from "./store.ts";

const memoryLog = (): LogSink => createLog({ level: "debug", write: () => {} });

const opened = (data: ConfigData, log: LogSink = silentLog) => {
  const source = memorySource("memory:", data);
  return openConfig([source], { log }).then((store) => ({ source, store }));
};

function thrown(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
  throw new Error("it did not throw");
}

const refused = (work: Promise<unknown>): Promise<Error> =>
  work.then(() => new Error("it was taken"), MicrorunError.from);

/** A schema of one's own: whatever it says. */
const own = <Output>(validate: StandardSchema<Output>["~standard"]["validate"]): StandardSchema<Output> => ({
  "~standard": { version: 1, vendor: "own", validate },
});

const good = { mongodb: { host: "h", port: 27017 } };
const bad = { mongodb: { port: "x" } };
const schemas: Record<string, StandardSchema<{ mongodb: { host: string; port: number } }>> = {
  zod: z.object({ mongodb: z.object({ host: z.string(), port: z.number() }) }),
  valibot: v.object({ mongodb: v.object({ host: v.string(), port: v.number() }) }),
  arktype: type({ mongodb: { host: "string", port: "number" } }),
};

test.each(Object.keys(schemas))(
  "a scan with %s gives the tree, and lists all that is wrong with it",
  async (name) => {
    const schema = schemas[name]!;
    await using fine = (await opened(good)).store;
    expect(fine.current.scan(schema)).toEqual(good);
    await using wrong = (await opened(bad)).store;
    const error = (await refused(wrong.accept(schema))) as MicrorunError;
    expect(error.code).toBe("failed_precondition");
    expect(error.message).toMatch(/^config does not fit its schema:\n/);
    const lines = error.message.split("\n").slice(1).sort();
    expect(lines).toEqual([
      expect.stringMatching(/^ {2}mongodb\.host: (?!mongodb)\S/),
      expect.stringMatching(/^ {2}mongodb\.port: (?!mongodb).*number/),
    ]);
    expect(error.hint).toBe("set it right in memory:");
    const plain = thrown(() => wrong.current.scan(schema));
    expect(plain).not.toBeInstanceOf(MicrorunError);
    expect(plain.message).toBe(`${error.message}\n  hint: set it right in memory:`);
  },
);

test("defaults, coercions and transforms of each validator work on the tree, which stays as it is", async () => {
  await using store = (await opened({ port: "80", name: "n" })).store;
  const config = store.current;
  const zod = z.object({
    port: z.coerce.number(),
    name: z.string().default("x"),
    more: z.string().default("d"),
  });
  expect(config.scan(zod)).toEqual({ port: 80, name: "n", more: "d" });
  const valibot = v.object({
    port: v.pipe(v.string(), v.transform(Number)),
    more: v.optional(v.string(), "d"),
  });
  expect(config.scan(valibot)).toEqual({ port: 80, more: "d" });
  const ark = type({ port: "string.integer.parse", more: "string = 'd'" });
  expect(config.scan(ark)).toMatchObject({ port: 80, more: "d" });
  expect(config.get("port")).toBe("80");
  expect(config.get("more")).toBeUndefined();
});

test("the type of a scan is what the schema says", async () => {
  await using store = (await opened({ mongodb: { host: "h" } })).store;
  const config: Config = store.current;
  // each line is a type error were it any, unknown or another type
  const zod: Same<{ mongodb: { host: string; port: number } }, ReturnType<typeof scanZod>> = true;
  const valibot: Same<{ mongodb: { host: string } }, ReturnType<typeof scanValibot>> = true;
  const ark: Same<{ mongodb: { host: string } }, ReturnType<typeof scanArk>> = true;
  const { host } = scanZod(config).mongodb;
  expect([host.toUpperCase(), zod, valibot, ark]).toEqual(["H", true, true, true]);
});

type Same<One, Other> =
  (<T>() => T extends One ? 1 : 2) extends <T>() => T extends Other ? 1 : 2 ? true : false;
const scanZod = (config: Config) =>
  config.scan(z.object({ mongodb: z.object({ host: z.string(), port: z.coerce.number().default(1) }) }));
const scanValibot = (config: Config) => config.scan(v.object({ mongodb: v.object({ host: v.string() }) }));
const scanArk = (config: Config) => config.scan(type({ mongodb: { host: "string" } }));

test("a part is scanned by its path, and its faults bear the whole path", async () => {
  await using store = (await opened({ a: { b: { port: "x" } }, list: [{ n: 1 }, { n: "2" }] })).store;
  expect(thrown(() => store.current.scan(z.object({ port: z.number() }), "a.b")).message).toStartWith(
    "config does not fit its schema: a.b.port: Invalid input: expected number, received string",
  );
  expect(thrown(() => store.current.scan(v.array(v.object({ n: v.number() })), "list")).message).toStartWith(
    "config does not fit its schema: list.1.n: Invalid type",
  );
  expect(thrown(() => store.current.scan(z.object({}), "not.there")).message).toStartWith(
    "config does not fit its schema: not.there: Invalid input",
  );
  expect(store.current.scan(z.string().default("d"), "not.there")).toBe("d");
});

test("a schema sees the text of lines, as get does", async () => {
  const text = Object.defineProperty({ MICRO: "" }, wholeText, { value: "MICRO" });
  await using store = (await opened({ DB_NAME: text })).store;
  expect(store.current.get("DB_NAME")).toBe("MICRO");
  expect(store.current.scan(z.object({ DB_NAME: z.string() }))).toEqual({ DB_NAME: "MICRO" });
  expect(store.current.scan(z.string(), "DB_NAME")).toBe("MICRO");
});

test("a scan is made once for each snapshot, schema and path, and changes nothing of the snapshot", async () => {
  let asked = 0;
  const counting = own((value) => {
    asked++;
    Object.assign(value as object, { mine: true });
    return { value: { value } };
  });
  const { source, store } = await opened({ a: {} });
  await using _ = store;
  const config = store.current;
  expect(config.scan(counting)).toBe(config.scan(counting));
  expect(asked).toBe(1);
  config.scan(counting, "a");
  expect(asked).toBe(2);
  expect(config.data).toEqual({ a: {} });
  source.set({ a: { b: 1 } });
  for await (const next of config.changes(AbortSignal.timeout(10_000))) {
    if (next === config) continue;
    expect(asked).toBe(4);
    expect(next.scan(counting)).not.toBe(config.scan(counting));
    expect(asked).toBe(4);
    break;
  }
});

test("nobody can change what a scan gave to all: neither the first tree's nor what a change made", async () => {
  const schema = z.object({ a: z.object({ list: z.array(z.number()) }) });
  const { source, store } = await opened({ a: { list: [2, 1] } });
  await using _ = store;
  for await (const config of store.current.changes(AbortSignal.timeout(10_000))) {
    const { a } = config.scan(schema);
    expect(() => a.list.sort()).toThrow(TypeError);
    expect(() => Object.assign(a, { list: [] })).toThrow(TypeError);
    if (a.list.length === 3) break;
    source.set({ a: { list: [3, 2, 1] } });
  }
});

test("a change that an accepted schema refuses is not taken, is told once, and the next good one is taken", async () => {
  const log = memoryLog();
  const { source, store } = await opened(good, log);
  await using _ = store;
  await store.accept(schemas.zod!);
  const first = store.current;
  const schemaFault = () => store.faults.find(({ source }) => source === "schema")?.fault.message;
  const settled = async (is: () => boolean) => {
    while (!is()) await Bun.sleep(1);
  };
  source.set(bad);
  await settled(() => schemaFault() !== undefined);
  expect(store.current).toBe(first);
  expect(schemaFault()).toStartWith("the last good values stay: mongodb.");
  expect(schemaFault()).toContain("; mongodb.");
  source.set({ ...bad, more: 1 });
  await Bun.sleep(100);
  expect(store.current).toBe(first);
  source.set({ mongodb: { host: "h", port: 1 } });
  await settled(() => store.current.get("mongodb.port") === 1);
  expect(schemaFault()).toBeUndefined();
  source.set(bad);
  await settled(() => schemaFault() !== undefined);
  source.set({ mongodb: { host: "h", port: 1 } });
  await settled(() => schemaFault() === undefined);
  const levels = log.records().map(({ level, message }) => `${level} ${message.split(":")[0]}`);
  expect(levels).toEqual(["warn config", "warn config", "warn config", "warn config"]);
});

test("a schema that was refused is not asked at a change", async () => {
  const { source, store } = await opened(bad);
  await using _ = store;
  await expect(store.accept(schemas.zod!)).rejects.toThrow("mongodb.host");
  source.set({ ...bad, more: 1 });
  while (store.current.get("more") !== 1) await Bun.sleep(1);
});

test("schemas made anew in each call are forgotten in the end, and that is told once", async () => {
  const log = memoryLog();
  await using store = (await opened({ a: 1 }, log)).store;
  for (let i = 0; i < 300; i++) expect(store.current.scan(z.object({ a: z.number() }))).toEqual({ a: 1 });
  expect(log.records().map(({ message }) => message)).toEqual([
    "config.scan: more than 100 schemas, later ones are not asked before a change is taken",
  ]);
});

test("a schema that answers later is not supported, and says so", async () => {
  const log = memoryLog();
  await using store = (await opened({}, log)).store;
  const later = z.object({}).refine(async () => true);
  expect(thrown(() => store.current.scan(later)).message).toStartWith(
    "config: a schema of zod failed, or answers later (with a Promise): the log says which",
  );
  while (log.records().length === 0) await Bun.sleep(1);
  expect(log.records()[0]).toMatchObject({
    message: "config: a schema of zod answers later (with a Promise)",
    fields: { hint: "leave asynchronous checks and transforms out of the schema" },
  });
  const rejecting = own(async () => Promise.reject(new Error("nobody waits for this")));
  expect((await refused(store.accept(rejecting))).message).toBe(
    "config does not fit its schema: the schema failed: nobody waits for this",
  );
  expect(((await refused(store.accept(later))) as MicrorunError).code).toBe("unimplemented");
});

test("what a transform throws is told, though zod takes it for an answer that comes later", async () => {
  const log = memoryLog();
  await using store = (await opened({ a: "b", password: "geheim" }, log)).store;
  const failing = z.object({
    a: z.string().transform(() => {
      throw new Error("mine, not geheim");
    }),
  });
  expect((await refused(store.accept(failing))).message).toBe(
    "config does not fit its schema: the schema failed: mine, not ***",
  );
  const inHandler = thrown(() => store.current.scan(failing)).message;
  expect(inHandler).toContain("failed, or answers later (with a Promise): the log says which");
  expect(inHandler).not.toContain("leave");
  while (log.records().length === 0) await Bun.sleep(1);
  expect(log.records().map(({ level, message }) => `${level} ${message}`)).toEqual([
    "error config: a schema of zod: the schema failed: mine, not ***",
  ]);
});

test("a change that makes a transform throw is told with why, not as an answer that comes later", async () => {
  const log = memoryLog();
  const { source, store } = await opened({ a: "good" }, log);
  await using _ = store;
  const picky = z.object({
    a: z.string().transform((a) => {
      if (a !== "good") throw new Error("not good");
      return a;
    }),
  });
  await store.accept(picky);
  source.set({ a: "bad" });
  while (log.records().length < 2) await Bun.sleep(1);
  expect(log.records().map(({ message }) => message)).toEqual([
    expect.stringContaining("a schema of zod failed, or answers later (with a Promise): the log says which"),
    "config: a schema of zod: the schema failed: not good",
  ]);
  expect(store.current.get("a")).toBe("good");
});

test("a secret that is a common word takes nothing from a fault but where it is quoted", async () => {
  const data = { secretName: "port", token: { mode: "string" }, port: 1, mode: 2 };
  await using store = (await opened(data)).store;
  const told = (schema: StandardSchema) => thrown(() => store.current.scan(schema)).message;
  expect(told(z.object({ port: z.string() }))).toStartWith(
    "config does not fit its schema: port: Invalid input: expected string, received number\n",
  );
  const named = own(() => ({ issues: [{ message: 'no "port"', path: ["port"] }] }));
  expect(told(named)).toContain('port: no "port"');
  const quoting = own(() => ({ issues: [{ message: 'no "port"', path: ["mode"] }] }));
  expect(told(quoting)).toContain('mode: no "***"');
});

test("what is no schema, throws or answers nothing is told as such", async () => {
  await using store = (await opened({})).store;
  for (const no of [{}, undefined, "x", { "~standard": {} }]) {
    expect(() => store.current.scan(no as never)).toThrow("no schema");
  }
  const throwing = own(() => {
    throw new Error("bug of theirs");
  });
  expect(() => store.current.scan(throwing)).toThrow("the schema failed: bug of theirs");
  expect(() => store.current.scan(own(() => undefined as never))).toThrow("it answered nothing");
});

test("of very many faults the first are listed", async () => {
  await using store = (await opened({})).store;
  const many = own(() => ({
    issues: Array.from({ length: 1000 }, (_, i) => ({ message: "no", path: [`k${i}`] })),
  }));
  const lines = (await refused(store.accept(many))).message.split("\n");
  expect(lines).toHaveLength(52);
  expect(lines.at(-1)).toBe("  and 950 more");
});

test.each(["valibot", "arktype", "own"])(
  "a fault that %s finds in a secret tells nothing of it",
  async (name) => {
    const word = "hunter2-hunter2";
    const closed = memorySource("secret://default/db", { pin: word, list: [word] }, { secret: true });
    const open = memorySource("open", { db: { password: word } });
    await using store = await openConfig([open, closed], { log: silentLog });
    const refusing: Record<string, StandardSchema> = {
      valibot: v.object({
        pin: v.pipe(v.string(), v.email()),
        list: v.array(v.number()),
        db: v.object({ password: v.number() }),
      }),
      arktype: type({ pin: "string.email", list: "number[]", db: { password: "string.email" } }),
      own: own((value) => ({
        issues: [
          { message: `I do not like ${JSON.stringify(value)}` },
          { message: "missing", path: ["db", "token"] },
        ],
      })),
    };
    const { message } = thrown(() => store.current.scan(refusing[name]!));
    expect(message).not.toContain("hunter2");
    expect(message).toContain(
      name === "own" ? "db.token: missing" : "db.password: refused (the value is secret",
    );
  },
);

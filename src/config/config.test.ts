import { expect, test } from "bun:test";
import { silentLog } from "../log.ts";
import type { ConfigData, ConfigSource } from "./config.ts";
import { envSource, envTree } from "./env.ts";
import { openConfig } from "./store.ts";

const plain = (value: unknown) => JSON.parse(JSON.stringify(value));

test("the environment nests on underscores, in lower case, typed as in go-micro v2", () => {
  const tree = envTree({
    DATABASE_SERVER_HOST: "localhost",
    DATABASE_PORT: "27017",
    DEBUG: "true",
    RATE: "1.5",
    EMPTY: "",
  });
  expect(plain(tree)).toEqual({
    database: { server: { host: "localhost" }, port: 27017 },
    debug: true,
    rate: "1.5",
    empty: "",
  });
});

test("of names that clash the first in order stays", () => {
  expect(plain(envTree({ FOO: "1", FOO_BAR: "2" }))).toEqual({ foo: 1 });
  expect(plain(envTree({ FOO_BAR: "2", FOO: "1" }))).toEqual({ foo: { bar: 2 } });
});

test("empty parts of a name are keys too", () => {
  expect(plain(envTree({ __B: "y", A_: "x" }))).toEqual({ "": { "": { b: "y" } }, a: { "": "x" } });
});

test("names like __proto__ change no prototype", () => {
  const tree = envTree({ __PROTO__X: "1", CONSTRUCTOR: "2" });
  expect(({} as Record<string, unknown>).x).toBeUndefined();
  expect(tree.constructor as unknown).toBe(2);
});

test("a value is found by words, by dots, and by its fallback", async () => {
  await using store = await openConfig([envSource({ MONGODB_HOST: "127.0.0.1" })], silentLog);
  const config = store.current;
  expect(config.get("mongodb", "host")).toBe("127.0.0.1");
  expect(config.get("mongodb.host")).toBe("127.0.0.1");
  expect(config.get("mongodb.host", "localhost")).toBe("127.0.0.1");
  expect(config.get("mongodb.port", "1")).toBe("1");
  expect(config.get("mongodb", "port", 27017)).toBe(27017);
  expect(config.get("mongodb")).toEqual({ host: "127.0.0.1" });
  expect(config.get("constructor")).toBeUndefined();
});

/** A source that gives trees when told to. */
function toldSource(): ConfigSource & { tell: (tree: ConfigData) => void } {
  let next = Promise.withResolvers<ConfigData>();
  return {
    name: "told",
    tell: (tree) => next.resolve(tree),
    async *watch(signal) {
      signal.addEventListener("abort", () => next.resolve({}));
      while (!signal.aborted) {
        const tree = await next.promise;
        next = Promise.withResolvers();
        yield tree;
      }
    },
  };
}

test("later sources win key by key, and each change is a new whole snapshot", async () => {
  const source = toldSource();
  source.tell({ mongodb: { host: "configmap" } });
  await using store = await openConfig(
    [envSource({ MONGODB_HOST: "env", MONGODB_DB: "envdb" }), source],
    silentLog,
  );
  const before = store.current;
  expect(plain(before.data)).toEqual({ mongodb: { host: "configmap", db: "envdb" } });

  const stop = new AbortController();
  const changes = before.changes(stop.signal)[Symbol.asyncIterator]();
  expect((await changes.next()).value?.get("mongodb.host")).toBe("configmap");
  const later = changes.next();
  source.tell({ mongodb: { host: "changed" } });
  expect((await later).value?.get("mongodb", "host")).toBe("changed");
  expect(before.get("mongodb", "host")).toBe("configmap");
  expect(store.current.get("mongodb", "host")).toBe("changed");
  stop.abort();
  expect((await changes.next()).done).toBe(true);
});

test("a source that fails leaves its last tree standing", async () => {
  const failing: ConfigSource = {
    name: "failing",
    async *watch() {
      yield { a: 1 };
      throw new Error("gone");
    },
  };
  await using store = await openConfig([failing], silentLog);
  expect(store.current.get("a")).toBe(1);
});

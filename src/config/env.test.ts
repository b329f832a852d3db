import { expect, test } from "bun:test";
import { envSource, envTree } from "./env.ts";
import { setSource, setTree } from "./set.ts";
import { sourceContract } from "./source.contract.ts";

const plain = (value: unknown) => JSON.parse(JSON.stringify(value));
const never = async () => {};

sourceContract("env", async (values) => ({ source: envSource(values), [Symbol.asyncDispose]: never }), {
  treeOf: (values) => envTree(values),
});
sourceContract("set", async (values) => ({ source: setSource(values), [Symbol.asyncDispose]: never }));

test("the environment nests on underscores, in lower case, typed as in go-micro v2", () => {
  const env = {
    DATABASE_SERVER_HOST: "localhost",
    DATABASE_PORT: "27017",
    DEBUG: "true",
    RATE: "1.5",
    EMPTY: "",
  };
  expect(plain(envTree(env))).toEqual({
    database: { server: { host: "localhost" }, port: 27017 },
    debug: true,
    rate: "1.5",
    empty: "",
  });
});

test.each([
  ["5", 5],
  ["+5", 5],
  ["-7", -7],
  ["-0", 0],
  ["007", 7],
  ["0", 0],
  ["1", 1],
  ["t", true],
  ["TRUE", true],
  ["False", false],
  ["tRUE", "tRUE"],
  ["1_000", "1_000"],
  ["1e3", "1e3"],
  [" 1", " 1"],
  ["9223372036854775808", "9223372036854775808"],
  ["=x=", "=x="],
])("the environment's %p is %p", (text, value) => {
  const tree = envTree({ FOO: text });
  expect(tree.foo).toBe(value);
});

// each as go-micro v2.3.0 gives it, by its own env source
test.each([
  [{ FOO: "1", FOO_BAR: "2" }, { foo: 1 }],
  [{ FOO_BAR: "2", FOO: "1" }, { foo: { bar: 2 } }],
  [{ FOO: "", FOO_BAR: "2" }, { foo: { bar: 2 } }],
  [{ FOO: "0", FOO_BAR: "2" }, { foo: { bar: 2 } }],
  [{ FOO_BAR: "2", FOO: "" }, { foo: { bar: 2 } }],
  [{ FOO: "0", foo: "5" }, { foo: 5 }],
  [{ foo: "5", FOO: "6" }, { foo: 5 }],
  [{ FOO: "0", foo: "" }, { foo: "" }],
  [{ FOO_A: "1", FOO_A_B: "2", FOO_C: "3" }, { foo: { a: 1, c: 3 } }],
  [{ X_Y: "", X_Y_Z: "5" }, { x: { y: { z: 5 } } }],
])("of names that clash the first stays unless it is empty: %j", (env, tree) => {
  expect(plain(envTree(env as Record<string, string>))).toEqual(tree);
});

test("empty parts of a name are keys too", () => {
  expect(plain(envTree({ __B: "y", A_: "x" }))).toEqual({ "": { "": { b: "y" } }, a: { "": "x" } });
});

test("a prefix stays in the tree, with its underscore, and goes when stripped", () => {
  const env = { APP_DB_HOST: "h", APPX: "1", APP: "2", app_y: "3", OTHER: "4", APP_: "5" };
  expect(plain(envTree(env, { prefix: "APP" }))).toEqual({ app: { db: { host: "h" }, "": 5 } });
  expect(plain(envTree(env, { prefix: "APP_" }))).toEqual({ app: { db: { host: "h" }, "": 5 } });
  expect(plain(envTree(env, { prefix: "APP", strip: true }))).toEqual({ db: { host: "h" }, "": 5 });
  expect(envSource(env, { prefix: "APP" }).name).toBe("env:APP");
});

test("names like __proto__ change no prototype, and one of too many words is left out", () => {
  const tree = envTree({ __PROTO__X: "1", CONSTRUCTOR: "2", ["A_".repeat(100)]: "3", B: "4" });
  expect(({} as Record<string, unknown>).x).toBeUndefined();
  expect(tree.constructor as unknown).toBe(2);
  expect(Object.keys(tree)).not.toContain("a");
  expect(tree.b).toBe(4);
});

test("values of the command line go to their dotted path, typed, the later over the earlier", () => {
  const tree = setTree({
    "mongodb.host": "h",
    "mongodb.port": "1",
    a: "1",
    "a.b": "true",
    "a.__proto__": "2",
  });
  expect(plain(tree)).toMatchObject({ mongodb: { host: "h", port: 1 }, a: { b: true } });
  expect(Object.keys(tree.a as object)).toEqual(["b", "__proto__"]);
});

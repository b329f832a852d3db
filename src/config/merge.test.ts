import { expect, test } from "bun:test";
import type { ConfigData } from "./config.ts";
import { maxSourceValues, mergeTrees, ownTree, sameValue } from "./merge.ts";
import { find, wholeText } from "./snapshot.ts";

const plain = (value: unknown) => JSON.parse(JSON.stringify(value));
const lines = (text: string): ConfigData =>
  Object.defineProperty(Object.assign(Object.create(null), { [text]: "" }), wholeText, { value: text });

test("a tree laid over a tree merges key by key; a list, a scalar and a tree over a scalar replace", () => {
  const merged = mergeTrees([
    { a: { x: 1, y: 2 }, list: [1, 2, 3], scalar: 1, tree: { x: 1 }, again: { gone: 1 } },
    { a: { y: 3, z: 4 }, list: [4], scalar: { x: 1 }, tree: 1, again: 1 },
    { again: { back: 1 }, deep: null },
  ]);
  expect(plain(merged)).toEqual({
    a: { x: 1, y: 3, z: 4 },
    list: [4],
    scalar: { x: 1 },
    tree: 1,
    again: { back: 1 },
    deep: null,
  });
});

test("keys of prototypes are merged as keys", () => {
  const hostile = JSON.parse('{"__proto__":{"x":1},"constructor":{"prototype":{"x":1}},"toString":"t"}');
  const merged = mergeTrees([ownTree(hostile), ownTree(JSON.parse('{"__proto__":{"y":2}}'))]);
  expect(({} as Record<string, unknown>).x).toBeUndefined();
  expect(Object.getPrototypeOf(merged)).toBeNull();
  expect(find(merged, ["__proto__", "x"])).toBe(1);
  expect(find(merged, ["__proto__", "y"])).toBe(2);
  expect(find(merged, ["constructor", "prototype", "x"])).toBe(1);
  expect(find(merged, ["hasOwnProperty"])).toBeUndefined();
});

test("what was merged cannot be changed", () => {
  const merged = mergeTrees([ownTree({ a: { list: [1] } })]) as { a: { list: number[] } };
  expect(() => merged.a.list.push(2)).toThrow(TypeError);
  expect(() => Object.assign(merged.a, { b: 1 })).toThrow(TypeError);
});

test("a text of lines is found whole until something is laid over its tree", () => {
  const under = ownTree({ DB_NAME: lines("MICRO"), other: 1 });
  expect(plain(under)).toEqual({ DB_NAME: { MICRO: "" }, other: 1 });
  const text = (...trees: ConfigData[]) => find(mergeTrees([under, ...trees]), ["DB_NAME"]);
  expect(text()).toBe("MICRO");
  expect(text({ other: 2 })).toBe("MICRO");
  expect(text({ DB_NAME: {} })).toBe("MICRO");
  expect(text({ DB_NAME: lines("LATER") })).toBe("LATER");
  expect(text({ DB_NAME: "plain" })).toBe("plain");
  expect(plain(text({ DB_NAME: { host: "h" } }))).toEqual({ MICRO: "", host: "h" });
});

test("a key with dots of its own is found by its words, the nested one before it", () => {
  const tree = ownTree({ "app.conf": { "server.port": "80" }, app: { conf: { x: 1 } } });
  expect(find(tree, ["app", "conf", "server", "port"])).toBe("80");
  expect(find(tree, ["app", "conf", "x"])).toBe(1);
  expect(find(tree, ["app", "conf", "y"])).toBeUndefined();
});

test("the order of keys makes no difference, that of a list does, and so does a text", () => {
  expect(sameValue({ a: 1, b: { c: [1, 2] } }, { b: { c: [1, 2] }, a: 1 })).toBe(true);
  expect(sameValue({ a: [1, 2] }, { a: [2, 1] })).toBe(false);
  expect(sameValue({ a: 1 }, { a: 1, b: 1 })).toBe(false);
  expect(sameValue({ a: {} }, { a: [] })).toBe(false);
  expect(sameValue({ a: 1 }, { a: "1" })).toBe(false);
  expect(sameValue({ a: null }, { b: null })).toBe(false);
  expect(sameValue({ toString: 1 }, { x: 1 })).toBe(false);
  expect(sameValue(lines("a"), { a: "" })).toBe(false);
});

test("a tree that is too deep or too large is not taken", () => {
  const deep = JSON.parse(`${'{"a":'.repeat(65)}{}${"}".repeat(65)}`);
  expect(() => ownTree(deep)).toThrow("nested more than 64 deep");
  expect(() => ownTree({ list: Array(maxSourceValues).fill(1) })).toThrow("more than 200000 values");
});

test("ten thousand trees are merged in one pass", () => {
  const trees = Array.from({ length: 10_000 }, (_, index) => ({
    [`k${index}`]: { a: 1 },
    all: { [index]: 1 },
  }));
  const merged = mergeTrees(trees);
  expect(Object.keys(merged)).toHaveLength(10_001);
  expect(Object.keys(merged.all as object)).toHaveLength(10_000);
});

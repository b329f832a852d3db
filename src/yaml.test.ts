import { expect, test } from "bun:test";
import { readYaml, readYamlTree, yamlText } from "./yaml.ts";

test("YAML is read as what was written, whatever a text looks like", () => {
  const value = [
    { name: "greeter", none: null, empty: [], nothing: {}, nested: [[1, 2], [{ a: "b" }]] },
    { "a: b": "yes", text: "line\nline", odd: ["- x", "#", "", "1.0", "~", "null", "on", "1:30"], t: true },
  ];
  expect(readYaml(yamlText(value))).toEqual(value);
});

test("a fault is told by its place, without a word of the text", () => {
  expect(() => readYaml("user:\n  token: [secret\n")).toThrow(/^not YAML at line 3, column 1: /);
  expect(() => readYaml("a: 1\na: secret")).not.toThrow(/secret/);
});

test("a tree is read as YAML 1.2 with merge keys, within the bounds that are given", () => {
  const fault = (why: string, line: number, column: number): Error => new Error(`${line}:${column} ${why}`);
  const read = (text: string): unknown => readYamlTree(text, { maxValues: 8, maxDepth: 2, fault });
  const tree = read("base: &base {on: yes}\nmore: {<<: *base, at: 2026-11-21}");
  expect(JSON.parse(JSON.stringify(tree))).toEqual({
    base: { on: "yes" },
    more: { on: "yes", at: "2026-11-21" },
  });
  expect(read("")).toBeNull();
  expect(() => read("a: &a [1, 2, 3]\nb: *a")).toThrow("2:4 more than 8 values");
  expect(() => read("a:\n  b: {c: 1}")).toThrow("2:6 nested more than 2 deep");
  expect(() => read("a: &a [1]\nb: {c: *a}")).toThrow("2:8 nested more than 2 deep");
});

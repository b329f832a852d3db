import { expect, test } from "bun:test";
import { readYaml, yamlText } from "./yaml.ts";

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

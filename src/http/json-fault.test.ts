import { expect, test } from "bun:test";
import { jsonFault } from "./json-fault.ts";

test("a fault is found at its line and column, with what was expected", () => {
  const told = (text: string): string | undefined => {
    const fault = jsonFault(text);
    return fault && `${fault.line}:${fault.column} ${fault.why}`;
  };
  expect(told("")).toBe("1:1 a value is expected");
  expect(told("{name: 1}")).toBe("1:2 a name or } is expected, not name");
  expect(told("{'name': 1}")).toBe("1:2 a name or } is expected, not '");
  expect(told('{"name" "x"}')).toBe('1:9 : is expected, not "');
  expect(told('{\n  "name": "x",\n}')).toBe("3:1 a name is expected, not }");
  expect(told('{"name": bob}')).toBe("1:10 a value is expected, not bob");
  expect(told('{"name": 01}')).toBe("1:10 a value is expected, not 01");
  expect(told('{"name": "x"')).toBe("1:13 , or } is expected");
  expect(told("[1, 2")).toBe("1:6 , or ] is expected");
  expect(told("[1,]")).toBe("1:4 a value is expected, not ]");
  expect(told('{"a": [1}')).toBe("1:9 , or ] is expected, not }");
  expect(told('{} "x"')).toBe('1:4 the end is expected, not "');
  expect(told('{"a": "x')).toBe("1:7 the string does not end");
  expect(told('"a\nb"')).toBe("1:3 a control character in a string must be escaped");
  expect(told('"a\\xb"')).toBe("1:3 this escape is unknown");
  expect(told("nulll")).toBe("1:1 a value is expected, not nulll");
  expect(told("}")).toBe("1:1 a value is expected, not }");
});

test("what JSON.parse takes has no fault", () => {
  for (const text of [
    "{}",
    "[]",
    " [1, -2.5e+3, true, null, {}]\n",
    '{"a":{"b":["\\u00e9\\n"]}}',
    '"x"',
    "0",
  ]) {
    JSON.parse(text);
    expect(jsonFault(text)).toBeUndefined();
  }
});

test("a text as long as a body may be is judged in a moment", () => {
  expect(jsonFault("[".repeat(1_000_000))?.column).toBe(1_000_001);
  expect(jsonFault(`"${"a".repeat(1_000_000)}`)?.why).toBe("the string does not end");
  expect(jsonFault(`${" ".repeat(1_000_000)}x`)?.column).toBe(1_000_001);
});

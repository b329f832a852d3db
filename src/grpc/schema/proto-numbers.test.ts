import { expect, test } from "bun:test";
import { exactNumbers } from "./proto-numbers.ts";

const max = "18446744073709551615";

test.each([
  [`optional uint64 a = 1 [default = ${max}];`, `optional uint64 a = 1 [exact_default = "${max}"];`],
  ["[ default=0xFFFFFFFFFFFFFFFF ]", `[ exact_default="${max}" ]`],
  [
    "[deprecated = true, default = -9007199254740993]",
    '[deprecated = true, exact_default = "-9007199254740993"]',
  ],
  ["[(o) = 0400000000000000001]", '[(o) = "9007199254740993"]'],
  [
    `option (o) = { default: ${max}; a { b: ${max} } };`,
    `option (o) = { default: "${max}"; a { b: "${max}" } };`,
  ],
  [`option (o).a = ${max}; message M {}`, `option (o).a = "${max}"; message M {}`],
])("a number that no double holds is kept as a text: %s", (text, exact) => {
  expect(exactNumbers(text)).toBe(exact);
});

test.each([
  "[default = 9007199254740991]",
  `[default = "${max}"]`,
  `[(o) = '\\'${max}'] // [ ${max}`,
  `/* option a = ${max}; */ string a = 1;`,
  "string a = 99999999999999999999;",
  `enum E { option = ${max}; A = ${max}; }`,
  `extensions 1 to ${max};`,
  "[(o) = 1234567890.12345678901]",
])("everything else stays as it is: %s", (text) => {
  expect(exactNumbers(text)).toBe(text);
});

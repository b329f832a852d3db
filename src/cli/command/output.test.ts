import { expect, test } from "bun:test";
import { tableText } from "./output.ts";

test("a table's columns are as wide as their widest cell", () => {
  expect(
    tableText([
      ["NAME", "N"],
      ["greeter", "12"],
    ]),
  ).toBe("NAME     N\ngreeter  12\n");
});

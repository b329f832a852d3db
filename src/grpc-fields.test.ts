import { expect, test } from "bun:test";
import { decodeText, encodeText } from "./grpc-fields.ts";

test("texts of errors travel as percent-encoded UTF-8", () => {
  for (const [text, sent] of [
    ["plain: text ~", "plain: text ~"],
    ['100 % "é"\n', '100 %25 "%C3%A9"%0A'],
    ["\u{1f600}", "%F0%9F%98%80"],
  ] as const) {
    expect(encodeText(text)).toBe(sent);
    expect(decodeText(sent)).toBe(text);
  }
  expect(decodeText("%zz % %4")).toBe("%zz % %4");
});

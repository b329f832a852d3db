import { expect, test } from "bun:test";
import { chunkReader } from "./chunk-reader.ts";

/** The body, or what is wrong; `|` what follows it. */
function read(text: string, pieces = text.length): string {
  const reader = chunkReader();
  let body = "";
  for (let at = 0; at < text.length; at += pieces) {
    const bytes = Buffer.from(text.slice(at, at + pieces), "latin1");
    const end = reader.read(bytes, 0, (bytes, start, end) => {
      body += bytes.toString("latin1", start, end);
    });
    if (end < 0) return "malformed";
    if (reader.done()) return `${body}|${text.slice(at + end)}`;
  }
  return `${body}…`;
}

test("chunks of any size, in pieces of any size, are one body, and what follows is not theirs", () => {
  const text = '3\r\nabc\r\nA;x=y;z="1"\r\n0123456789\r\n0\r\nX-Trailer: a\r\n\r\nGET /';
  for (let pieces = 1; pieces <= text.length; pieces++)
    expect(read(text, pieces)).toStartWith("abc0123456789|");
  expect(read(text)).toBe("abc0123456789|GET /");
  expect(read("0\r\n\r\n")).toBe("|");
  expect(read("3\r\nab")).toBe("ab…");
});

test("what is no chunk is malformed", () => {
  for (const text of [
    ...[
      "g\r\n",
      "\r\n",
      "-1\r\n",
      "0x1\r\n",
      "+1\r\nx",
      " 1\r\nx",
      "1 x\r\n",
      "1\nx\r\n",
      "1\r\nxy",
      "1\r\nx\n0\r\n",
    ],
    ...[
      "1\r\nx\r\r\n",
      `${"1".repeat(14)}\r\n`,
      "1;\0\r\nx",
      "1;\rx\r\n",
      "0\r\nx y: 1\r\n\r\n",
      "0\r\nx\r\n\r\n",
    ],
  ])
    expect([text, read(text)]).toEqual([text, "malformed"]);
});

test("extensions and trailers are bounded, each and all together", () => {
  expect(read(`1;${"x".repeat(300)}`)).toBe("malformed");
  expect(read(`${`1;${"x".repeat(200)}\r\nx\r\n`.repeat(50)}0\r\n\r\n`)).toEndWith("|");
  expect(read(`1;${"x".repeat(200)}\r\nx\r\n`.repeat(100))).toBe("malformed");
  expect(read(`0\r\nx: ${"y".repeat(20_000)}`)).toBe("malformed");
  expect(read(`0\r\n${"x: y\r\n".repeat(6000)}`)).toBe("malformed");
  expect(read(`${"1\r\nx\r\n".repeat(50_000)}0\r\n\r\n`)).toEndWith("x|");
});

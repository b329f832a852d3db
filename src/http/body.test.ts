import { expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { decompress } from "./body.ts";

test.each(["gzip", "x-gzip"])("a body packed with %s is unpacked", async (encoding) => {
  const packed = gzipSync("hello");
  expect(Buffer.from(await decompress(packed, encoding, 100)).toString()).toBe("hello");
});

import { expect, test } from "bun:test";
import { createPrefixes, maxLineBytes, prefixLines } from "./line-prefix.ts";

async function written(...chunks: (string | Uint8Array)[]): Promise<string[]> {
  async function* source() {
    for (const chunk of chunks) yield typeof chunk === "string" ? Buffer.from(chunk) : chunk;
  }
  const out: string[] = [];
  await prefixLines(source(), "a | ", (text) => void out.push(text));
  return out;
}

test("a line is written when it is whole, however it comes", async () => {
  expect(await written("one\ntw", "o\n", "\nthree")).toEqual([
    "a | one\n",
    "a | two\n",
    "a | \n",
    "a | three\n",
  ]);
  expect(await written("one\ntwo\n")).toEqual(["a | one\na | two\n"]);
  expect(await written()).toEqual([]);
});

test("a letter of several bytes may come in parts", async () => {
  const bytes = Buffer.from("grüß\n");
  expect(await written(bytes.subarray(0, 3), bytes.subarray(3))).toEqual(["a | grüß\n"]);
});

test("a long line is left as it is, one without end is not kept", async () => {
  const long = "x".repeat(maxLineBytes - 1);
  expect(await written(`${long}\n`)).toEqual([`a | ${long}\n`]);
  const endless = await written(long, "yy", "z\n");
  expect(endless).toEqual([`a | ${long}yy\n`, "a | z\n"]);
});

test("whoever writes waits for the reader", async () => {
  let pulled = 0;
  async function* source() {
    for (; pulled < 3; pulled++) yield Buffer.from("line\n");
  }
  const reader = Promise.withResolvers<void>();
  const done = prefixLines(source(), "", () => reader.promise);
  await Bun.sleep(0);
  expect(pulled).toBe(0);
  reader.resolve();
  await done;
  expect(pulled).toBe(3);
});

test("prefixes are as wide as the widest name, each in a tint of its own where there are tints", () => {
  const plain = createPrefixes(false);
  expect(plain("a", ["a", "microrun"])).toBe("a        | ");
  const tinted = createPrefixes(true);
  const [a, b] = [tinted("a", ["a", "b"]), tinted("b", ["a", "b"])];
  expect(a).toBe("\x1b[0m\x1b[36ma | \x1b[0m");
  expect(b).toBe("\x1b[0m\x1b[33mb | \x1b[0m");
  expect(tinted("a", ["a", "b"])).toBe(a);
});

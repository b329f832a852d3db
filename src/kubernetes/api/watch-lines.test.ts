import { expect, test } from "bun:test";
import { watchLines } from "./watch-lines.ts";

const encoder = new TextEncoder();

async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  // the same buffer each time, as some hosts reuse theirs
  const buffer = new Uint8Array(size);
  for (let at = 0; at < bytes.length; at += size) {
    const part = bytes.subarray(at, at + size);
    buffer.set(part);
    yield buffer.subarray(0, part.length);
  }
}

const all = (bytes: Uint8Array, size: number, maxBytes?: number) =>
  Array.fromAsync(watchLines(cut(bytes, size), maxBytes));

test("lines are the same wherever the network cuts them, also within a letter", async () => {
  const events = [{ name: "ä€😀\n" }, { name: "b" }, 7, { deep: [{ x: "😀😀" }] }];
  const bytes = encoder.encode(events.map((event) => `${JSON.stringify(event)}\n`).join(""));
  for (let size = 1; size <= bytes.length; size++) expect(await all(bytes, size)).toEqual(events);
});

test("empty lines are passed over, and a last line needs no end", async () => {
  expect(await all(encoder.encode('\n{"a":1}\n\n\n{"b":2}'), 4)).toEqual([{ a: 1 }, { b: 2 }]);
});

test("a stream that ends in the midst of a line fails, after the whole ones", async () => {
  const lines = watchLines(cut(encoder.encode('{"a":1}\n{"b":'), 3));
  expect((await lines.next()).value).toEqual({ a: 1 });
  await expect(lines.next()).rejects.toMatchObject({ code: "unavailable" });
});

test("a line longer than the bound fails, whether its end has come or not", async () => {
  const line = encoder.encode(`"${"x".repeat(20)}"\n`);
  expect(await all(line, 5, 22)).toEqual(["x".repeat(20)]);
  for (const size of [1, 5, 100]) await expect(all(line, size, 21)).rejects.toThrow(/more than 21 bytes/);
  await expect(all(encoder.encode("x".repeat(30)), 10, 21)).rejects.toThrow(/more than 21 bytes/);
});

test("whoever reads on no more ends the stream", async () => {
  let ended = false;
  const chunks = async function* () {
    try {
      for (;;) yield encoder.encode("1\n2\n");
    } finally {
      ended = true;
    }
  };
  for await (const line of watchLines(chunks())) if (line === 2) break;
  expect(ended).toBe(true);
});

import { expect, test } from "bun:test";
import { seeded } from "../../test/h2-random.ts";
import { entrySize } from "./header-table.ts";
import { hpackDecoder } from "./hpack-decoder.ts";
import { hpackEncoder } from "./hpack-encoder.ts";
import { codedRequests, type Example, plainRequests } from "./hpack-vectors.contract.ts";

type Encoder = ReturnType<typeof hpackEncoder>;

function encode(encoder: Encoder, fields: readonly string[], lasting = true): Buffer {
  const room = fields.reduce((sum, text) => sum + entrySize(text, ""), 16);
  const bytes = Buffer.alloc(room);
  let at = encoder.begin(bytes, 0);
  for (let i = 0; i < fields.length; i += 2)
    at = encoder.field(bytes, at, fields[i]!, fields[i + 1]!, lasting);
  return bytes.subarray(0, at);
}

function encodeAll(examples: readonly Example[], huffman: boolean): string[] {
  const encoder = hpackEncoder(huffman);
  return examples.map(({ fields }) => encode(encoder, fields).toString("hex"));
}

test("RFC 7541 C.3 and C.4 are encoded as they stand", () => {
  expect(encodeAll(plainRequests, false)).toEqual(plainRequests.map(({ hex }) => hex));
  expect(encodeAll(codedRequests, true)).toEqual(codedRequests.map(({ hex }) => hex));
});

test("a value goes to the table the second time that it is sent", () => {
  const encoder = hpackEncoder(false);
  const sizes = [1, 2, 3].map(() => encode(encoder, ["x-id", "12345678"], false).length);
  expect(sizes).toEqual([15, 15, 1]);
});

test("values that never repeat leave the table alone", () => {
  const encoder = hpackEncoder(false);
  const { version } = encoder;
  for (let i = 0; i < 100; i++) encode(encoder, ["x-id", String(i)], false);
  expect(encoder.version).toBe(version);
});

test("secrets are never indexed", () => {
  const encoder = hpackEncoder(false);
  for (let i = 0; i < 3; i++) expect(encode(encoder, ["authorization", "Bearer x"])[0]! >> 4).toBe(1);
});

test("the table's sizes of a peer open the next block, the smallest first", () => {
  const encoder = hpackEncoder(false);
  encode(encoder, ["a", "b"]);
  encoder.resize(0);
  encoder.resize(100);
  expect(encoder.resized).toBe(true);
  expect(encode(encoder, ["a", "b"]).toString("hex")).toBe("203f4540016101" + "62");
  expect(encoder.resized).toBe(false);
});

test("whatever is encoded is decoded to the same list, through evictions and resizes", () => {
  for (const huffman of [false, true]) {
    const random = seeded(7);
    const encoder = hpackEncoder(huffman);
    const decoder = hpackDecoder(65_536);
    for (let round = 0; round < 2_000; round++) {
      if (random() < 0.05) encoder.resize(Math.floor(random() * 5_000));
      const fields = Array.from({ length: Math.floor(random() * 8) }, () => [
        `x-${Math.floor(random() * 30)}`,
        randomText(random, random() < 0.05 ? 1_500 : 60),
      ]).flat();
      const bytes = encode(encoder, fields, random() < 0.5);
      expect(decoder.decode(bytes, 0, bytes.length).fields).toEqual(fields);
    }
  }
});

function randomText(random: () => number, maxLength: number): string {
  if (random() < 0.5) return `value ${Math.floor(random() * 5)}`;
  const characters = Array.from({ length: Math.floor(random() * maxLength) }, () =>
    String.fromCharCode(random() < 0.9 ? 32 + random() * 95 : 128 + random() * 128),
  );
  return characters.join("");
}

import { describe, expect, test } from "bun:test";
import { ConnectionError } from "./connection-error.ts";
import { type DecodedBlock, hpackDecoder } from "./hpack-decoder.ts";
import {
  codedRequests,
  codedResponses,
  type Example,
  plainRequests,
  plainResponses,
  representations,
  tableOf256,
} from "./hpack-vectors.contract.ts";

const maxListBytes = 65_536;

function decodeHex(decoder: ReturnType<typeof hpackDecoder>, hex: string): DecodedBlock {
  const bytes = Buffer.from(hex, "hex");
  return decoder.decode(bytes, 0, bytes.length);
}

function decodeAll(examples: readonly Example[], before = ""): unknown {
  const decoder = hpackDecoder(maxListBytes);
  return examples.map(({ hex }, i) => decodeHex(decoder, i === 0 ? before + hex : hex).fields);
}

const lists = (examples: readonly Example[]): unknown => examples.map(({ fields }) => fields);

describe("RFC 7541 appendix C", () => {
  test("C.2, field representations, is decoded", () => {
    for (const example of representations) expect(decodeAll([example])).toEqual(lists([example]));
  });
  test("C.3 and C.4, requests, are decoded", () => {
    expect(decodeAll(plainRequests)).toEqual(lists(plainRequests));
    expect(decodeAll(codedRequests)).toEqual(lists(codedRequests));
  });
  test("C.5 and C.6, responses with eviction, are decoded", () => {
    expect(decodeAll(plainResponses, tableOf256)).toEqual(lists(plainResponses));
    expect(decodeAll(codedResponses, tableOf256)).toEqual(lists(codedResponses));
  });
});

test("a block of indexes that repeats is the same object, until the table changes", () => {
  const decoder = hpackDecoder(maxListBytes);
  decodeHex(decoder, "400161016240016301644001650166");
  const kept = decodeHex(decoder, "bebfc0");
  expect(decodeHex(decoder, "bebfc0")).toBe(kept);
  expect(kept.fields).toEqual(["e", "f", "c", "d", "a", "b"]);
  decodeHex(decoder, "4001670168");
  expect(decodeHex(decoder, "bebfc0").fields).toEqual(["g", "h", "e", "f", "c", "d"]);
});

test("what breaks the tables is a connection's error", () => {
  const wrong = {
    "index 0": "80",
    "an index beyond the table": "be",
    "a name beyond the table": "7f00",
    "an integer that does not end": "ffffffffffffff01",
    "a string longer than its block": "400a61",
    "a block that ends before its value": "400161",
    "a table larger than agreed": "3fe21f",
    "a size update behind a field": "8220",
    "padding of a whole byte": "4081ffffff",
    "the end symbol within a string": "4084ffffffff0161",
  };
  for (const [what, hex] of Object.entries(wrong))
    expect(() => decodeHex(hpackDecoder(maxListBytes), hex), what).toThrow(ConnectionError);
});

test("names in upper case, empty names and control characters are malformed, wherever they come from", () => {
  for (const hex of ["4001410161", "40000161", "400161010a", "400161017f", "40023a410161"])
    expect(decodeHex(hpackDecoder(maxListBytes), hex).malformed, hex).toBe(true);
  const decoder = hpackDecoder(maxListBytes);
  decodeHex(decoder, "4001410161");
  expect(decodeHex(decoder, "be").malformed).toBe(true);
});

test("a good value under the name of a bad one is good", () => {
  const decoder = hpackDecoder(maxListBytes);
  expect(decodeHex(decoder, "4001610100").malformed).toBe(true);
  expect(decodeHex(decoder, "7e0162").malformed).toBe(false);
});

test("a list over its bound is cut, and the table stays right", () => {
  const decoder = hpackDecoder(40);
  const block = decodeHex(decoder, "400161016240016301644001650166");
  expect([block.truncated, block.fields]).toEqual([true, ["a", "b"]]);
  expect(decodeHex(decoder, "be").fields).toEqual(["e", "f"]);
});

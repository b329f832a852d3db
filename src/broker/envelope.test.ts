import { expect, test } from "bun:test";
import { readEnvelope, writeEnvelope } from "./envelope.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("an envelope is written as Go Micro v5 writes it, to the byte", () => {
  const header = { "Micro-Topic": "greeter.events", "Content-Type": "application/grpc+proto" };
  expect(writeEnvelope({ header, body: bytes("\n\u0003ev1") })).toBe(
    '{"Header":{"Content-Type":"application/grpc+proto","Micro-Topic":"greeter.events"},"Body":"CgNldjE="}',
  );
  expect(writeEnvelope({ header: { a: "<&>" }, body: bytes("") })).toBe(
    '{"Header":{"a":"\\u003c\\u0026\\u003e"},"Body":""}',
  );
});

test("an envelope is read, and Go's null stands for none", () => {
  const read = (text: string) => readEnvelope(bytes(text));
  expect(read('{"Header":{"a":"b"},"Body":"CgNldjE="}')).toEqual({
    header: { a: "b" },
    body: bytes("\n\u0003ev1"),
  });
  expect(read('{"Header":null,"Body":null}')).toEqual({ header: {}, body: new Uint8Array() });
});

test.each([
  "{",
  "[]",
  "1",
  "null",
  "{}",
  '{"Header":{"a":1}}',
  '{"Header":{},"Body":1}',
  '{"Header":{},"x":1}',
])("%s is no envelope", (text) => {
  expect(() => readEnvelope(bytes(text))).toThrow("not a message of Go Micro's");
});

import { expect, test } from "bun:test";
import type { MessageType } from "../call.ts";
import { UnreadableError } from "./delivery.ts";
import { decodePayload, emptyPayload, encodePayload } from "./payload.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
/** Its protobuf is the name reversed, so that it is told from JSON. */
const type: MessageType = {
  name: "greeter.Hello",
  encode: (value) => bytes([...(value as { name: string }).name].reverse().join("")),
  decode: (body) => ({ name: [...new TextDecoder().decode(body)].reverse().join("") }),
  fromJson: (json) => json,
  toJson: (value) => value,
};

test.each([
  ["application/grpc+proto", "ad"],
  ["application/grpc", "ad"],
  ["application/protobuf", "ad"],
  ["application/octet-stream", "ad"],
  ["application/json", '{"name":"da"}'],
  ["application/grpc+json; charset=utf-8", '{"name":"da"}'],
  [undefined, "ad"],
])("a typed payload of content type %s is read as Go Micro reads it", (contentType, body) => {
  expect(decodePayload(bytes(body), contentType, type)).toEqual({ name: "da" });
});

test("without a type JSON, text and bytes are read, and what bears no content type as JSON", () => {
  expect(decodePayload(bytes('{"a":1}'), "application/json", undefined)).toEqual({ a: 1 });
  expect(decodePayload(bytes('{"a":1}'), undefined, undefined)).toEqual({ a: 1 });
  expect(decodePayload(bytes("hi"), "text/plain", undefined)).toBe("hi");
  expect(decodePayload(bytes("hi"), "application/octet-stream", undefined)).toEqual(bytes("hi"));
});

test("type bytes gives the body whatever its content type", () => {
  for (const contentType of ["application/json", "application/grpc", "image/png", undefined])
    expect(decodePayload(bytes("{"), contentType, "bytes")).toEqual(bytes("{"));
});

test.each([
  ["{", "application/json", "not JSON"],
  ["ad", "application/grpc+proto", "names no protobuf message"],
  ["ad", "image/png", 'content type "image/png" is not known'],
])("%s of %s cannot be read", (body, contentType, why) => {
  const read = () => decodePayload(bytes(body), contentType, undefined);
  expect(read).toThrow(why);
  expect(read).toThrow(UnreadableError);
});

test("an event without data has no payload, the empty message or no bytes, as its subscription says", () => {
  const empty = (value: unknown) => ({ name: JSON.stringify(value) });
  expect(emptyPayload(undefined)).toBeNull();
  expect(emptyPayload("bytes")).toEqual(bytes(""));
  expect(emptyPayload(type)).toEqual({ name: "" });
  expect(emptyPayload({ name: "", fromJson: empty, toJson: (value) => value })).toEqual({ name: "{}" });
});

test("a typed payload is published as protobuf, or as the content type says", () => {
  expect(encodePayload({ name: "da" }, type, undefined)).toEqual({
    body: bytes("ad"),
    contentType: "application/grpc+proto",
  });
  expect(encodePayload({ name: "da" }, type, "application/json").body).toEqual(bytes('{"name":"da"}'));
  expect(encodePayload("hi", undefined, "text/plain").body).toEqual(bytes("hi"));
  expect(encodePayload(undefined, undefined, undefined).body).toEqual(bytes("null"));
});

test("a payload that its content type cannot hold is refused", () => {
  expect(() => encodePayload({}, undefined, "application/protobuf")).toThrow(
    "no payload of application/protobuf",
  );
  expect(() => encodePayload(1n, undefined, undefined)).toThrow("the payload is not JSON");
  const deep: unknown = JSON.parse("[".repeat(1e6) + "]".repeat(1e6));
  expect(() => encodePayload(deep, undefined, undefined)).toThrow("not JSON: nested too deep");
});

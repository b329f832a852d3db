import { expect, test } from "bun:test";
import { jsonMessage } from "../call.ts";
import { codecOf, isGrpc } from "./content.ts";

test("gRPC-Web and other types are not gRPC", () => {
  for (const type of [
    "application/grpc",
    "application/grpc+proto",
    "application/grpc+weird",
    "application/grpc;x",
  ])
    expect(isGrpc(type), type).toBe(true);
  for (const type of [undefined, "application/json", "application/grpc-web+proto", "application/grpcx"])
    expect(isGrpc(type), type).toBe(false);
});

test("JSON is chosen by its names, protobuf by any other", () => {
  const json = codecOf("application/grpc+json");
  expect(json.decode(jsonMessage, Buffer.from('{"name":"bob"}'))).toEqual({ name: "bob" });
  expect(Buffer.from(json.encode(jsonMessage, { a: 1 })).toString()).toBe('{"a":1}');
  expect(codecOf("application/json")).toBe(json);
  for (const type of [
    "application/grpc",
    "application/grpc+proto",
    "application/grpc+bytes",
    "application/grpc+weird",
  ])
    expect(codecOf(type), type).not.toBe(json);
});

test("bytes that are no JSON are an invalid argument", () => {
  const json = codecOf("application/grpc+json");
  for (const bytes of ["", "{", "\xff"]) {
    expect(() => json.decode(jsonMessage, Buffer.from(bytes, "latin1"))).toThrow("the message is not JSON");
  }
});

test("protobuf for a service without a .proto says which content type it speaks", () => {
  expect(() => codecOf("application/grpc").decode(jsonMessage, new Uint8Array())).toThrow(
    "the service has no .proto and cannot read protobuf: call it with content type application/grpc+json",
  );
});

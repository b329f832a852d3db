import { expect, test } from "bun:test";
import { readFields, writeFields } from "./metadata.ts";

test("handlers see the caller's metadata and nothing of the wire", () => {
  const seen = readFields({
    ":path": "/greeter.Greeter/Hello",
    "content-type": "application/grpc+proto",
    "x-content-type": "application/grpc+proto",
    timeout: "5000000000",
    "grpc-timeout": "5S",
    te: "trailers",
    "user-agent": "grpc-go/1.26.0",
    "micro-from-service": "greeter.client",
    "x-foo": "Bar, Baz",
    "trace-bin": "YQ, Yg",
    many: ["1", "2"],
  });
  expect(Object.fromEntries(seen)).toEqual({
    "user-agent": "grpc-go/1.26.0",
    "micro-from-service": "greeter.client",
    "x-foo": "Bar, Baz",
    "trace-bin": "YQ,Yg",
    many: "1, 2",
  });
});

test("what belongs to the wire is never sent as metadata", () => {
  const headers = new Headers({
    "content-type": "text/plain",
    "grpc-status": "0",
    "x-a": "1",
    "t-bin": "YQ==",
  });
  expect(writeFields(headers)).toEqual({ "x-a": "1", "t-bin": "YQ==" });
});

test("a value that gRPC cannot carry is refused by its key", () => {
  expect(() => writeFields(new Headers({ "x-name": "Zoë" }))).toThrow("metadata x-name");
});

import { expect, test } from "bun:test";
import { checkFields, readFields, writeFields } from "./metadata.ts";

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
  expect(writeFields(headers)).toEqual(["t-bin", "YQ==", "x-a", "1"]);
});

test("binary values are sent one by one, texts as they are", () => {
  const fields = writeFields(new Headers({ "id-bin": "AQ==, Ag==,Aw", "x-a": "1, 2" }));
  expect(fields).toEqual(["id-bin", "AQ==", "id-bin", "Ag==", "id-bin", "Aw", "x-a", "1, 2"]);
});

test("a value that gRPC cannot carry is refused by its key", () => {
  expect(() => writeFields(new Headers({ "x-name": "Zoë" }))).toThrow("metadata x-name");
});

test("binary metadata is base64, padded or not, one or many; all else is internal, as grpc-go has it", () => {
  for (const value of ["", "YQ==", "YQ", "YWI=", "YWJj", "+/8", "YQ, Yg==", ["YQ", "Yg"]])
    checkFields({ "trace-bin": value, "x-text": "***", "grpc-trace-bin": "***" });
  for (const value of ["***", "Y", "YQ=", "YQ===", "YQ,*", "_-8", "Zoë"])
    expect(() => checkFields({ "trace-bin": value })).toThrow("malformed binary metadata trace-bin");
});

import { describe, expect, test } from "bun:test";
import protobuf from "protobufjs";
import type { MessageType } from "../../call.ts";
import { MicrorunError } from "../../errors.ts";
import { parseSchema } from "./schema.ts";

const schema = parseSchema(
  "zoo.proto",
  `
syntax = "proto3";
package zoo;
import "google/protobuf/any.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/empty.proto";
import "google/protobuf/field_mask.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
message Animal { string name = 1; int32 legs = 2; }
message Known {
  google.protobuf.Timestamp at = 1;
  google.protobuf.Duration took = 2;
  google.protobuf.FieldMask mask = 3;
  google.protobuf.Struct struct = 4;
  google.protobuf.Value value = 5;
  google.protobuf.ListValue list = 6;
  google.protobuf.StringValue text = 7;
  google.protobuf.Int64Value number = 8;
  google.protobuf.BytesValue raw = 9;
  google.protobuf.Any any = 10;
  google.protobuf.Empty empty = 11;
  repeated google.protobuf.Value values = 12;
  map<string, google.protobuf.BoolValue> flags = 13;
  google.protobuf.NullValue nothing = 14;
}`,
);
const known = schema.message("zoo.Known")!;
const pass = (value: unknown, type: MessageType = known): Record<string, unknown> =>
  type.decode!(type.encode!(value)) as never;

function refusal(attempt: () => unknown): string {
  try {
    attempt();
  } catch (error) {
    if (error instanceof MicrorunError && error.code === "invalid_argument") return error.message;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("Well-known types", () => {
  const cases: Record<string, [given: object, read: object]> = {
    "Timestamp from a Date": [{ at: new Date(-1500) }, { at: { seconds: -2n, nanos: 500_000_000 } }],
    "Timestamp from RFC 3339": [
      { at: "2026-01-02T03:04:05.000000006+01:00" },
      { at: { seconds: 1767319445n, nanos: 6 } },
    ],
    "Timestamp from its parts": [{ at: { seconds: 5 } }, { at: { seconds: 5n, nanos: 0 } }],
    "Duration from text": [{ took: "-1.5s" }, { took: { seconds: -1n, nanos: -500_000_000 } }],
    "FieldMask from text": [{ mask: "userName,id" }, { mask: { paths: ["user_name", "id"] } }],
    "Struct, ListValue and Value as plain JSON": [
      {
        struct: { a: [1, { b: null }] },
        list: [true, "x"],
        value: { c: 0.5 },
        values: [null, 1, "s", [], {}],
      },
      {
        struct: { a: [1, { b: null }] },
        list: [true, "x"],
        value: { c: 0.5 },
        values: [null, 1, "s", [], {}],
      },
    ],
    "null in a Value as JSON's null": [{ value: null }, { value: null }],
    "wrappers as their values, defaults too": [
      { text: "", number: "7", raw: "aGk=", flags: { x: false } },
      { text: "", number: 7n, raw: new Uint8Array([104, 105]), flags: { x: false } },
    ],
    "wrappers from messages": [{ text: { value: "x" } }, { text: "x" }],
    "Any of a known type": [
      { any: { "@type": "type.googleapis.com/zoo.Animal", name: "Rex" } },
      { any: { "@type": "type.googleapis.com/zoo.Animal", name: "Rex", legs: 0 } },
    ],
    "Any of a type with a form of its own": [
      { any: { "@type": "google.protobuf.Timestamp", value: new Date(0) } },
      { any: { "@type": "type.googleapis.com/google.protobuf.Timestamp", value: { seconds: 0n, nanos: 0 } } },
    ],
    "Any of an unknown type": [
      { any: { typeUrl: "x/y.Z", value: "AA==" } },
      { any: { typeUrl: "x/y.Z", value: new Uint8Array([0]) } },
    ],
  };
  for (const [name, [given, read]] of Object.entries(cases)) {
    test(name, () => {
      const back = pass(given);
      expect(back).toMatchObject(read as never);
      expect(pass(back)).toEqual(back);
    });
  }

  test("that are absent stay absent", () => {
    expect(Object.keys(pass({}))).toEqual(["values", "flags", "nothing"]);
  });

  const wrong: [given: object, says: string][] = [
    [
      { at: "soon" },
      'zoo.Known.at: a Date, an RFC 3339 string or { seconds, nanos } is expected, got "soon"',
    ],
    [{ at: 5 }, "zoo.Known.at: a Date, an RFC 3339 string or { seconds, nanos } is expected, got number"],
    [{ at: new Date(Number.NaN) }, "zoo.Known.at: the Date is invalid"],
    [
      { took: "1 minute" },
      'zoo.Known.took: a string like "1.5s" or { seconds, nanos } is expected, got "1 minute"',
    ],
    [{ struct: [] }, "zoo.Known.struct: an object (google.protobuf.Struct) is expected, got array"],
    [{ list: {} }, "zoo.Known.list: an array is expected, got object"],
    [{ value: { a: 5n } }, "google.protobuf.Struct.fields: a JSON value is expected, got bigint"],
    [{ value: Number.NaN }, "zoo.Known.value: NaN is not a JSON value"],
    [{ text: 5 }, "google.protobuf.StringValue.value: a string is expected, got number"],
    [{ any: { "@type": "x/y.Z" } }, "zoo.Known.any.@type: the schema has no message x/y.Z"],
    [{ any: "x" }, 'zoo.Known.any: an object with "@type" is expected, got string'],
  ];
  for (const [given, says] of wrong)
    test(`are refused: ${says}`, () => expect(refusal(() => known.encode!(given))).toBe(says));

  test("are refused when nested without end", () => {
    const list: unknown[] = [];
    list.push(list);
    expect(refusal(() => known.encode!({ list }))).toMatch(/nested more than 100 deep/);
    const any: Record<string, unknown> = { "@type": "x/zoo.Known" };
    any.any = any;
    expect(refusal(() => known.encode!({ any }))).toMatch(/nested more than 100 deep/);
    const writer = () => protobuf.Writer.create();
    let nested = new Uint8Array();
    for (let depth = 0; depth < 200; depth++) {
      nested = writer()
        .uint32(82)
        .fork()
        .uint32(10)
        .string("x/zoo.Known")
        .uint32(18)
        .bytes(nested)
        .ldelim()
        .finish() as Uint8Array<ArrayBuffer>;
    }
    expect(refusal(() => known.decode!(nested))).toMatch(/nested more than 100 deep/);
  });
});

test("proto2: required fields, presence of scalars, groups, extensions, closed enums", () => {
  const old = parseSchema(
    "old.proto",
    `syntax = "proto2"; package old;
     message M { required string id = 1; optional int32 n = 2 [default = 7]; repeated group Part = 3 { optional string x = 1; } extensions 100 to 200; }
     extend M { optional string extra = 100; repeated int32 more = 101; }`,
  ).message("old.M")!;
  const value = { id: "a", part: [{ x: "1" }, {}], "[old.extra]": "e", "[old.more]": [1, 2] };
  expect(pass(value, old)).toEqual(value);
  expect(refusal(() => old.encode!({}))).toBe("old.M.id: a required field is missing");
  expect(refusal(() => old.decode!(new Uint8Array()))).toBe("old.M.id: a required field is missing");
  expect(old.toJson(value)).toEqual(value);
  expect(old.fromJson(value)).toEqual(value);
});

import { describe, expect, test } from "bun:test";
import { MicrorunError } from "../../errors.ts";
import { parseSchema } from "./schema.ts";

const type = parseSchema(
  "json.proto",
  `
syntax = "proto3";
package j;
import "google/protobuf/any.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/field_mask.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
enum Kind { KIND_NONE = 0; CAT = 1; }
message M {
  string name = 1;
  int32 small = 2;
  int64 big = 3;
  uint64 ubig = 4;
  float f = 5;
  double d = 6;
  bool yes = 7;
  bytes raw = 8;
  Kind kind = 9;
  M inner = 10;
  repeated int64 list = 11;
  map<string, M> by_name = 12;
  map<bool, Kind> by_bool = 13;
  oneof pick { string one = 14; int32 two = 15; google.protobuf.NullValue none = 16; }
  optional string note = 17;
  google.protobuf.Timestamp at = 18;
  google.protobuf.Duration took = 19;
  google.protobuf.FieldMask mask = 20;
  google.protobuf.Struct struct = 21;
  google.protobuf.Value value = 22;
  google.protobuf.Int64Value wrapped = 23;
  google.protobuf.Any any = 24;
  repeated bytes raws = 25;
  repeated google.protobuf.Timestamp times = 26;
  google.protobuf.ListValue values = 27;
  google.protobuf.FloatValue maybe = 28;
  repeated float floats = 29;
  map<string, float> float_by = 30;
  google.protobuf.DoubleValue maybe_d = 31;
  map<string, double> d_by = 32;
  repeated double ds = 33;
}`,
).message("j.M")!;

describe("JSON in and out again is canonical:", () => {
  const cases: [given: unknown, canonical: unknown][] = [
    [{}, {}],
    [{ name: "", small: 0, yes: false, raw: "", kind: "KIND_NONE", list: [], byName: {} }, {}],
    [
      {
        name: "é🐈",
        small: -1,
        big: "9223372036854775807",
        ubig: 18446744073709551615n.toString(),
        yes: true,
      },
      { name: "é🐈", small: -1, big: "9223372036854775807", ubig: "18446744073709551615", yes: true },
    ],
    [
      { big: 5, small: "7", list: [1, "2", 1e3] },
      { big: "5", small: 7, list: ["1", "2", "1000"] },
    ],
    [
      { f: 0.5, d: "NaN", inner: { d: "-Infinity" } },
      { f: 0.5, d: "NaN", inner: { d: "-Infinity" } },
    ],
    [
      { raw: "_-8", raws: ["", "aGk"] },
      { raw: "/+8=", raws: ["", "aGk="] },
    ],
    [
      {
        ...{ f: 0.1, maybe: 0.1, floats: [0.1, "1e-45", 16777217], floatBy: { a: 1 / 3 } },
        ...{ d: 1 / 3, any: { "@type": "x/j.M", f: 0.1, inner: { maybe: 0.7 } } },
      },
      {
        ...{ f: 0.1, maybe: 0.1, floats: [0.1, 1e-45, 16777216], floatBy: { a: 0.33333334 } },
        ...{ d: 1 / 3, any: { "@type": "x/j.M", f: 0.1, inner: { maybe: 0.7 } } },
      },
    ],
    [
      { any: { "@type": "x/google.protobuf.FloatValue", value: 0.1 } },
      { any: { "@type": "x/google.protobuf.FloatValue", value: 0.1 } },
    ],
    [{ kind: 1 }, { kind: "CAT" }],
    [{ kind: 55 }, { kind: 55 }],
    [
      { by_name: { x: { by_bool: { true: "CAT", false: 0 } } } },
      { byName: { x: { byBool: { true: "CAT", false: "KIND_NONE" } } } },
    ],
    [{ one: "" }, { one: "" }],
    [{ two: 0, one: null }, { two: 0 }],
    [{ none: null }, { none: null }],
    [{ note: "" }, { note: "" }],
    [{ note: null, inner: null, list: null }, {}],
    [
      { at: "2026-01-02T03:04:05+01:00", times: ["1970-01-01T00:00:00.5Z"] },
      { at: "2026-01-02T02:04:05Z", times: ["1970-01-01T00:00:00.500Z"] },
    ],
    [
      { took: "-1.5s", mask: "a,bC" },
      { took: "-1.500s", mask: "a,bC" },
    ],
    [
      { struct: { a: [1, null, { b: "c" }] }, value: null, values: [[]] },
      { struct: { a: [1, null, { b: "c" }] }, value: null, values: [[]] },
    ],
    [{ wrapped: 0 }, { wrapped: "0" }],
    [
      { big: 1.0, ubig: 2 ** 53 - 1, d: 2 ** 53, value: 2 ** 60, any: {} },
      { big: "1", ubig: "9007199254740991", d: 2 ** 53, value: 2 ** 60, any: {} },
    ],
    [
      { any: { "@type": "type.googleapis.com/j.M", big: 1 } },
      { any: { "@type": "type.googleapis.com/j.M", big: "1" } },
    ],
    [
      { any: { "@type": "type.googleapis.com/google.protobuf.Duration", value: "3s" } },
      { any: { "@type": "type.googleapis.com/google.protobuf.Duration", value: "3s" } },
    ],
    [JSON.parse('{"byName":{"__proto__":{"small":1}}}'), JSON.parse('{"byName":{"__proto__":{"small":1}}}')],
  ];
  for (const [given, canonical] of cases) {
    test(JSON.stringify(canonical), () => {
      const value = type.fromJson(given);
      expect(type.toJson(value)).toEqual(canonical);
      // The same by way of protobuf.
      expect(type.decode!(type.encode!(value))).toEqual(value);
      expect(type.fromJson(canonical)).toEqual(value);
    });
  }
});

/** As JSON.parse reads it. */
const infinite = JSON.parse("1e309") as number;

describe("JSON is refused:", () => {
  const cases: [json: unknown, says: string][] = [
    [{ name: 5 }, "j.M.name: a string is expected, got number"],
    [{ name: ["x"] }, "j.M.name: a string is expected, got array"],
    [{ small: 1.5 }, "j.M.small: not an integer: 1.5"],
    [{ small: true }, "j.M.small: an integer (number or string) is expected, got boolean"],
    [{ small: 2147483648 }, "j.M.small: out of range for int32: 2147483648"],
    [{ big: "x" }, 'j.M.big: invalid integer: "x"'],
    [{ d: "1,5" }, 'j.M.d: invalid number: "1,5"'],
    [{ yes: "true" }, "j.M.yes: a boolean is expected, got string"],
    [{ raw: "*" }, "j.M.raw: the string is not base64"],
    [{ inner: { byName: { a: { raws: ["aGk=", "#"] } } } }, "j.M.raws: the string is not base64"],
    [{ raw: 5 }, "j.M.raw: a base64 string is expected, got number"],
    [{ d: infinite }, "j.M.d: number out of range"],
    [{ f: infinite }, "j.M.f: number out of range"],
    [{ inner: { d: -infinite } }, "j.M.d: number out of range"],
    [{ ds: [1, infinite] }, "j.M.ds: number out of range"],
    [{ floats: [infinite] }, "j.M.floats: number out of range"],
    [{ dBy: { a: infinite } }, "j.M.d_by: number out of range"],
    [{ maybe: infinite }, "j.M.maybe: number out of range"],
    [{ maybeD: infinite }, "j.M.maybe_d: number out of range"],
    [{ value: infinite }, "j.M.value: google.protobuf.Value cannot hold a non-finite number"],
    [{ f: 3.4028236e38 }, "j.M.f: out of range for float: 3.4028236e+38"],
    [{ f: "3.4028236e38" }, 'j.M.f: out of range for float: "3.4028236e38"'],
    [{ f: 3.4028235e38, floats: [1e39] }, "j.M.floats: out of range for float: 1e+39"],
    [{ maybe: 3.4028236e38 }, "j.M.maybe: out of range for float: 3.4028236e+38"],
    [JSON.parse('{"__proto__":1}'), "j.M: there is no field __proto__"],
    [JSON.parse('{"inner":{"__proto__":{}}}'), "j.M: there is no field __proto__"],
    [{ kind: "BIRD" }, 'j.M.kind: unknown enum value: "BIRD"'],
    [{ inner: [] }, "j.M: an object is expected, got array"],
    [{ list: 5 }, "j.M.list: an array is expected, got number"],
    [{ list: [null] }, "j.M.list: null element: null"],
    [{ byName: [] }, "j.M.by_name: an object for map is expected, got array"],
    [{ byBool: { 1: 1 } }, 'j.M.by_bool: invalid bool map key: "1"'],
    [{ one: "a", two: 1 }, "j.M: multiple values for oneof pick"],
    [{ smal: 1 }, "j.M: there is no field smal, did you mean small?"],
    [{ inner: { nope: 1 } }, "j.M: there is no field nope, did you mean none?"],
    [{ at: "yesterday" }, 'j.M.at: invalid timestamp: "yesterday"'],
    [
      { inner: { times: ["1970-01-01T00:00:00Z", 7] } },
      "j.M.times: a timestamp string is expected, got number",
    ],
    [{ took: "5" }, 'j.M.took: invalid duration: "5"'],
    [{ wrapped: "x" }, 'j.M.wrapped: invalid integer: "x"'],
    [{ any: { x: 1 } }, 'j.M.any: "@type" is missing'],
    [{ any: { "@type": "x/j.M", any: { x: 1 } } }, 'j.M.any: "@type" is missing'],
    [
      { big: 9007199254740992 },
      "j.M.big: 9007199254740992 is beyond what a JSON number holds exactly: send it as a string",
    ],
    [{ inner: { ubig: 2 ** 63 } }, "j.M.ubig: 9223372036854776000 is beyond what"],
    [{ list: [1, -(2 ** 53)] }, "j.M.list: -9007199254740992 is beyond"],
    [{ wrapped: 2 ** 53 }, "j.M.wrapped: 9007199254740992 is beyond"],
    [{ any: { "@type": "x/j.M", byName: { a: { big: 2 ** 53 } } } }, "j.M.big: 9007199254740992 is beyond"],
    [
      { any: { "@type": "x/google.protobuf.Int64Value", value: 2 ** 53 } },
      "j.M.any: 9007199254740992 is beyond",
    ],
    [{ any: { "@type": "x/y.Z" } }, "j.M.any: no such type: y.Z"],
    [{ name: "\ud800" }, 'j.M.name: unpaired high surrogate: "\\ud800"'],
    [null, "j.M: an object is expected, got null"],
    ["text", "j.M: an object is expected, got string"],
    [undefined, "j.M: an object is expected, got undefined"],
  ];
  for (const [json, says] of cases) {
    test(says, () => {
      expect(() => type.fromJson(json)).toThrow(MicrorunError);
      expect(() => type.fromJson(json)).toThrow(says);
    });
  }

  test("JSON nested too deep is refused, in messages and in plain JSON", () => {
    let inner: unknown = {};
    let value: unknown = null;
    for (let depth = 0; depth < 300; depth++) {
      inner = { inner };
      value = [value];
    }
    expect(() => type.fromJson(inner)).toThrow("max depth exceeded");
    expect(() => type.fromJson({ value })).toThrow("max depth exceeded");
  });
});

test("A float that rounds to the largest is taken wherever it stands, and written as it came", () => {
  const json = {
    ...{ f: 3.4028235e38, maybe: -3.4028235e38, floats: [3.4028235e38], floatBy: { a: 3.4028235e38 } },
    ...{ big: "1", inner: { f: 3.4028235e38 }, any: { "@type": "x/j.M", maybe: 3.4028235e38 } },
  };
  const given = structuredClone(json);
  expect(type.toJson(type.fromJson(given))).toEqual(json);
  expect(given).toEqual(json);
  expect(type.toJson(type.fromJson({ f: "3.4028235e38", big: 1 }))).toEqual({ f: 3.4028235e38, big: "1" });
  expect(type.toJson({ f: 3.4028235e38, maybe: 3.4028235e38 })).toEqual({
    f: 3.4028235e38,
    maybe: 3.4028235e38,
  });
  expect(type.toJson(type.fromJson({ f: "Infinity" }))).toEqual({ f: "Infinity" });
});

test("-0 is a value, whatever else is in the message", () => {
  for (const more of [{}, { big: 1, byName: { a: { d: -0 } } }]) {
    const given = type.fromJson({ ...more, d: -0, f: "-0", inner: { d: "-0.0", maybe: -0, maybeD: -0 } });
    const { d, f, inner, byName } = type.decode!(type.encode!(given)) as Reals;
    const negative = [d, f, inner!.d, inner!.maybe, inner!.maybeD, byName!.a?.d ?? -0];
    expect(negative.map((one) => Object.is(one, -0))).toEqual(negative.map(() => true));
  }
});

type Reals = { readonly [name: string]: Reals | undefined };

test("What a handler gives is written as JSON whichever of its lenient forms it took", () => {
  const given = {
    big: 1n,
    raw: new Uint8Array([104, 105]),
    at: new Date(0),
    took: "1.5s",
    kind: 1,
    by_name: new Map([["x", {}]]),
    wrapped: 0,
  };
  expect(type.toJson(given)).toEqual({
    big: "1",
    raw: "aGk=",
    at: "1970-01-01T00:00:00Z",
    took: "1.500s",
    kind: "CAT",
    byName: { x: {} },
    wrapped: "0",
  });
  expect(type.toJson(undefined)).toEqual({});
  expect(() => type.toJson({ at: { seconds: 10n ** 15n } })).toThrow("out of range");
});

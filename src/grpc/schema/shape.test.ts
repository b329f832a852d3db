import { expect, test } from "bun:test";
import type { Shape } from "../../call.ts";
import { parseSchema } from "./schema.ts";

function shapeOf(text: string, name: string): Shape | undefined {
  return parseSchema("test.proto", `syntax = "proto3"; package a.b; ${text}`)
    .message(`a.b.${name}`)
    ?.shape?.();
}

const leaf = (name: string, type: string): Shape => ({ name, type, values: null });

test("a message is told by its simple name, its fields by the names of the .proto", () => {
  expect(
    shapeOf(
      "message HelloRequest { string first_name = 1; int32 age = 2 [json_name = 'years']; }",
      "HelloRequest",
    ),
  ).toEqual({
    name: "HelloRequest",
    type: "HelloRequest",
    values: [leaf("first_name", "string"), leaf("age", "int32")],
  });
});

test("types are those of Go", () => {
  const text = `
    enum Colour { RED = 0; } message Other {}
    message M {
      double a = 1; float b = 2; sint64 c = 3; fixed64 d = 4; uint32 e = 5; bool f = 6; bytes g = 7; Colour h = 8;
      repeated string i = 9; repeated Other j = 10; map<string, Other> k = 11; repeated bytes l = 12; optional string m = 13;
      Other n = 14; oneof kind { string o = 15; Other p = 16; } Kind q = 17; enum Kind { NONE = 0; }
    }`;
  const types = shapeOf(text, "M")?.values?.map(({ name, type }) => `${name} ${type}`);
  expect(types).toEqual([
    "a float64",
    "b float32",
    "c int64",
    "d uint64",
    "e uint32",
    "f bool",
    "g []uint8",
    "h Colour",
    "i []string",
    "j []Other",
    "k ",
    "l []",
    "m string",
    "n Other",
    "o string",
    "p Other",
    "q M_Kind",
  ]);
});

test("three levels are told, whatever is below and however it recurs", () => {
  const text = "message Tree { string id = 1; Tree left = 2; repeated Tree more = 3; }";
  expect(shapeOf(text, "Tree")).toEqual({
    name: "Tree",
    type: "Tree",
    values: [
      leaf("id", "string"),
      {
        name: "left",
        type: "Tree",
        values: [leaf("id", "string"), leaf("left", "Tree"), leaf("more", "[]Tree")],
      },
      leaf("more", "[]Tree"),
    ],
  });
});

test("names are written as protoc writes them for Go", () => {
  const text =
    "message outer_thing { message inner2nd { } inner2nd x = 1; } message M { outer_thing.inner2nd y = 1; }";
  expect(shapeOf(text, "M")?.values).toEqual([leaf("y", "OuterThing_Inner2Nd")]);
});

test("a message with very many fields is told of in part", () => {
  const many = (type: string) => Array.from({ length: 100 }, (_, i) => `${type} f${i} = ${i + 1};`).join(" ");
  const shape = shapeOf(`message Wide { ${many("Inner")} } message Inner { ${many("string")} }`, "Wide");
  expect(JSON.stringify(shape).split('"name"').length - 2).toBe(500);
});

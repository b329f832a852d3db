import { expect, test } from "bun:test";
import { parseSchema } from "./schema.ts";

const text = `syntax = "proto3"; package shop; import "google/protobuf/timestamp.proto"; import "google/protobuf/wrappers.proto";
import "google/protobuf/duration.proto"; import "google/protobuf/struct.proto";
enum Size { SMALL = 0; LARGE = 1; }
message Order {
  string order_id = 1; int64 total = 2; repeated Item items = 3; map<string, int32> counts = 4; Size size = 5;
  google.protobuf.Timestamp at = 6; optional bool gift = 7; oneof pay { string card = 8; Cash cash = 9; }
  bytes blob = 10; Order parent = 11; google.protobuf.BoolValue maybe = 12; uint32 n = 13;
  google.protobuf.Duration took = 14; google.protobuf.ListValue list = 15; fixed64 ubig = 16; sfixed32 small = 17;
  google.protobuf.UInt64Value maybe_big = 18; google.protobuf.FloatValue maybe_real = 19; double real = 20; float f = 21;
}
message Item { string name = 1; double price = 2; }
message Cash { float amount = 1; }
service Shop { rpc Buy(Order) returns (Item); }`;

const { request } = parseSchema("shop.proto", text).services.get("shop.Shop")![0]!;
const { $ref, $defs } = request.schema!();
const order = $defs!["shop.Order"]!.properties!;

test("a message's schema names each field as JSON does", () => {
  expect($ref).toBe("#/$defs/shop.Order");
  expect(Object.keys(order)).toEqual(
    "orderId total items counts size at gift card cash blob parent maybe n took list ubig small maybeBig maybeReal real f".split(
      " ",
    ),
  );
});

test("scalars, enums and well-known types are what their JSON is", () => {
  expect(order.orderId).toEqual({ type: "string" });
  expect(order.total).toEqual({ type: "string", format: "int64", pattern: "^-?\\d+$" });
  expect(order.ubig).toEqual({ type: "string", format: "uint64", pattern: "^\\d+$" });
  expect(order.maybeBig).toEqual(order.ubig!);
  expect(order.size).toEqual({ type: "string", title: "Size", enum: ["SMALL", "LARGE"] });
  expect(order.at).toEqual({ type: "string", format: "date-time" });
  expect(order.blob).toEqual({ type: "string", format: "byte" });
  expect(order.maybe).toEqual({ type: "boolean" });
  expect(order.list).toEqual({ type: "array", items: {} });
});

test("numbers have the formats that generators know, unsigned ones that of a long", () => {
  expect(order.small).toMatchObject({ type: "integer", format: "int32", minimum: -2_147_483_648 });
  expect(order.n).toEqual({ type: "integer", format: "int64", minimum: 0, maximum: 4_294_967_295 });
  expect(order.real).toEqual({ type: "number", format: "double" });
  expect(order.f).toEqual({ type: "number", format: "float" });
  expect(order.maybeReal).toEqual(order.f!);
});

test("a Duration is told by a pattern that its JSON matches, not as one of ISO 8601", () => {
  const { format, pattern = "", examples = [] } = order.took!;
  expect(format).toBeUndefined();
  for (const text of ["3.5s", "-1.500s", "0s", "0.000000001s", ...examples])
    expect([text, new RegExp(pattern).test(text)]).toEqual([text, true]);
  for (const text of ["PT3.5S", "3", "1.0000000001s", "+1s"])
    expect([text, new RegExp(pattern).test(text)]).toEqual([text, false]);
});

test("repeated fields are arrays, maps objects of any key", () => {
  expect(order.items).toEqual({ type: "array", items: { $ref: "#/$defs/shop.Item" } });
  expect(order.counts).toEqual({
    type: "object",
    additionalProperties: {
      type: "integer",
      format: "int32",
      minimum: -2_147_483_648,
      maximum: 2_147_483_647,
    },
  });
});

test("a message that holds itself is described once; presence and oneofs are told", () => {
  expect(order.parent).toEqual({ $ref: "#/$defs/shop.Order" });
  expect(order.gift).toEqual({ type: "boolean", "x-optional": true });
  expect(order.card).toEqual({ type: "string", "x-oneof": "pay" });
  expect(order.cash).toEqual({ $ref: "#/$defs/shop.Cash", "x-oneof": "pay" });
});

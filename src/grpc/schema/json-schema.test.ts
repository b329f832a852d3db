import { expect, test } from "bun:test";
import { parseSchema } from "./schema.ts";

const text = `syntax = "proto3"; package shop; import "google/protobuf/timestamp.proto"; import "google/protobuf/wrappers.proto";
enum Size { SMALL = 0; LARGE = 1; }
message Order {
  string order_id = 1; int64 total = 2; repeated Item items = 3; map<string, int32> counts = 4; Size size = 5;
  google.protobuf.Timestamp at = 6; optional bool gift = 7; oneof pay { string card = 8; Cash cash = 9; }
  bytes blob = 10; Order parent = 11; google.protobuf.BoolValue maybe = 12; uint32 n = 13;
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
    "orderId total items counts size at gift card cash blob parent maybe n".split(" "),
  );
});

test("scalars, enums and well-known types are what their JSON is", () => {
  expect(order.orderId).toEqual({ type: "string" });
  expect(order.total).toEqual({ type: "string", format: "int64" });
  expect(order.size).toEqual({ type: "string", title: "Size", enum: ["SMALL", "LARGE"] });
  expect(order.at).toEqual({ type: "string", format: "date-time" });
  expect(order.blob).toEqual({ type: "string", format: "byte" });
  expect(order.maybe).toEqual({ type: "boolean" });
  expect(order.n).toEqual({ type: "integer", minimum: 0, maximum: 4_294_967_295 });
});

test("repeated fields are arrays, maps objects of any key", () => {
  expect(order.items).toEqual({ type: "array", items: { $ref: "#/$defs/shop.Item" } });
  expect(order.counts).toEqual({
    type: "object",
    additionalProperties: { type: "integer", minimum: -2_147_483_648, maximum: 2_147_483_647 },
  });
});

test("a message that holds itself is described once; presence and oneofs are told", () => {
  expect(order.parent).toEqual({ $ref: "#/$defs/shop.Order" });
  expect(order.gift).toEqual({ type: "boolean", "x-optional": true });
  expect(order.card).toEqual({ type: "string", "x-oneof": "pay" });
  expect(order.cash).toEqual({ $ref: "#/$defs/shop.Cash", "x-oneof": "pay" });
});

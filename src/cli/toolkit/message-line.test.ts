import { expect, test } from "bun:test";
import { jsonMessage, type MessageType } from "../../call.ts";
import { bodyLine, messageLine } from "./message-line.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const message = (
  contentType: string | undefined,
  body: string | Uint8Array,
  event?: { id: string; source: string; type: string },
) => ({
  topic: "orders",
  header: contentType === undefined ? {} : { "Content-Type": contentType },
  body: typeof body === "string" ? bytes(body) : body,
  ...(event === undefined ? {} : { event }),
});

/** Reads its first byte. */
const order: MessageType = {
  ...jsonMessage,
  name: "shop.Order",
  decode: (body) => {
    if (body.length !== 1) throw new Error("no order");
    return { id: body[0] };
  },
};

test("a line has topic, header and body", () => {
  expect(messageLine(message("application/json", '{"id":7}'))).toBe(
    '{"topic":"orders","header":{"Content-Type":"application/json"},"body":{"id":7}}\n',
  );
});

test.each([
  ["application/json; charset=utf-8", "[1]", [1]],
  ["application/vnd.x+json", "null", null],
  [undefined, '{"a":1}', { a: 1 }],
  ["text/plain", "hi", "hi"],
  [undefined, "written by hand", "written by hand"],
])("a body of type %p is read", (type, body, read) => {
  expect(JSON.parse(messageLine(message(type, body)))).toMatchObject({ body: read });
});

test.each([
  ["application/json", "{"],
  ["application/octet-stream", "\x00"],
  ["image/png", "png"],
  [undefined, "\n\x03ev1"],
  ["text/plain", new Uint8Array([0xff])],
])("a body of type %p that cannot be read is base64, and is not lost", (type, body) => {
  const told = JSON.parse(messageLine(message(type, body)));
  expect(told.body).toBeUndefined();
  expect(Buffer.from(told.base64, "base64")).toEqual(Buffer.from(body as string));
});

test("protobuf is read by the message that was named, and is base64 where it is none", () => {
  const proto = message("application/grpc+proto", new Uint8Array([7]));
  expect(JSON.parse(messageLine(proto, order))).toMatchObject({ body: { id: 7 } });
  expect(JSON.parse(messageLine(message(undefined, new Uint8Array([7])), order))).toMatchObject({
    body: { id: 7 },
  });
  expect(JSON.parse(messageLine(proto))).toMatchObject({ base64: "Bw==" });
  expect(JSON.parse(messageLine(message("application/grpc", "xx"), order))).toMatchObject({ base64: "eHg=" });
  // JSON is JSON, whatever was named
  expect(JSON.parse(messageLine(message("application/json", "8"), order))).toMatchObject({ body: 8 });
});

test("a CloudEvent has its attributes too; its data are read whatever the document is", () => {
  const event = { id: "1", source: "/shop", type: "created" };
  const told = JSON.parse(messageLine(message("application/cloudevents+json", '{"id":7}', event)));
  expect(told).toMatchObject({ event, body: { id: 7 } });
});

test("the body alone is one line", () => {
  expect(bodyLine(message("application/json", '{\n"id": 7\n}'))).toBe('{"id":7}\n');
  expect(bodyLine(message("image/png", "png"))).toBe("cG5n\n");
});

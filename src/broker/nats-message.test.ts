import { expect, test } from "bun:test";
import { headers } from "@nats-io/transport-node";
import { readNatsMessage, writeNatsMessage } from "./nats-message.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const attributes = { specversion: "1.0", id: "1", source: "/a", type: "t" };
const binary = { "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/a", "ce-type": "t" };
const made = (fields: Readonly<Record<string, string>>) => {
  const all = headers();
  for (const [name, value] of Object.entries(fields)) all.set(name, value);
  return all;
};

test("a binary event says what its data are by both names, of which others read either", () => {
  const header = { ...binary, "Content-Type": "text/plain" };
  const message = writeNatsMessage({ topic: "t", header, body: bytes("hi") });
  expect(message.headers?.get("ce-datacontenttype")).toBe("text/plain");
  expect(message.headers?.get("Content-Type")).toBe("text/plain");
  expect(message.data).toEqual(bytes("hi"));
});

test("what another said of an event's data stands when it is sent on", () => {
  const header = { ...binary, "Ce-Datacontenttype": "text/plain", "Content-Type": "application/json" };
  const message = writeNatsMessage({ topic: "t", header, body: bytes("hi") });
  expect(message.headers?.has("ce-datacontenttype")).toBe(false);
  expect(message.headers?.get("Ce-Datacontenttype")).toBe("text/plain");
});

test("a structured event without a Content-Type is one, whatever else its headers say", () => {
  const body = bytes(JSON.stringify({ ...attributes, data: 1 }));
  const event = { topic: "t", header: { "Content-Type": "application/cloudevents+json" }, body };
  expect(readNatsMessage("t", body, undefined)).toEqual(event);
  expect(readNatsMessage("t", body, headers())).toEqual(event);
  expect(readNatsMessage("t", body, made({ "Nats-Msg-Id": "1" })).header).toEqual({
    "Nats-Msg-Id": "1",
    ...event.header,
  });
});

test.each([
  ["JSON by its Content-Type", attributes, { "content-type": "application/json" }],
  ["of another version", { ...attributes, specversion: "0.3" }, undefined],
  ["of a version that is no text", { ...attributes, specversion: 1 }, undefined],
  ["without a type", { ...attributes, type: undefined }, undefined],
  ["with an id that is a number", { ...attributes, id: 7 }, undefined],
  ["a list", [attributes], undefined],
  ["a text", '"specversion"', undefined],
  ["nothing", null, undefined],
])("a document that is %s is no event", (_, document, fields) => {
  const body = bytes(JSON.stringify(document));
  const own = fields === undefined ? undefined : made(fields);
  expect(readNatsMessage("t", body, own)).toEqual({ topic: "t", header: fields ?? {}, body });
});

import { expect, test } from "bun:test";
import { makeCloudEvent, readCloudEvent, writeBinary, writeStructured } from "./cloud-event.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const own = { id: "7", source: "/shop" };
const at = "2026-01-02T03:04:05.000Z";

test("an event takes its id and source from the message where it names none", () => {
  expect(makeCloudEvent({ type: "order", time: new Date(at), extensions: { region: "eu" } }, own)).toEqual({
    id: "7",
    source: "/shop",
    type: "order",
    time: at,
    region: "eu",
  });
  expect(makeCloudEvent({ type: "order", id: "8", source: "urn:x" }, own)).toMatchObject({
    id: "8",
    source: "urn:x",
  });
});

test("an event without a type, or with an attribute of another spelling, is refused", () => {
  expect(() => makeCloudEvent({ type: "" }, own)).toThrow("the CloudEvent has no type");
  expect(() => makeCloudEvent({ type: "a", extensions: { My_key: 1 } }, own)).toThrow("My_key is no name");
  expect(() => makeCloudEvent({ type: "a", extensions: { data: 1 } }, own)).toThrow("data is no name");
});

test("a structured event is the document of the specification", () => {
  const event = makeCloudEvent({ type: "order", time: at }, own);
  const read = (body: Uint8Array) => JSON.parse(new TextDecoder().decode(body));
  expect(read(writeStructured(event, bytes('{"n":1}'), "application/json"))).toEqual({
    specversion: "1.0",
    id: "7",
    source: "/shop",
    type: "order",
    time: at,
    datacontenttype: "application/json",
    data: { n: 1 },
  });
  expect(read(writeStructured(event, new Uint8Array([1, 2]), "image/png"))).toMatchObject({
    datacontenttype: "image/png",
    data_base64: "AQI=",
  });
});

test("events of others are read: SDKs' headers of any case, a document with text, one without data", () => {
  const header = {
    "Ce-Specversion": "1.0",
    "Ce-Id": "1",
    "Ce-Source": "/a",
    "Ce-Type": "t",
    "Ce-Subject": "100%",
  };
  const binary = readCloudEvent({ topic: "t", header, body: bytes("x") }, "text/plain");
  expect(binary).toMatchObject({ event: { id: "1", subject: "100%" }, contentType: "text/plain" });
  const structured = (document: object) =>
    readCloudEvent(
      { topic: "t", header: {}, body: bytes(JSON.stringify(document)) },
      "application/cloudevents+json; charset=utf-8",
    );
  const event = { specversion: "1.0", id: "1", source: "/a", type: "t" };
  const text = structured({ ...event, datacontenttype: "text/xml", data: "<a/>" });
  expect(new TextDecoder().decode(text?.body)).toBe("<a/>");
  expect(structured(event)?.body).toHaveLength(0);
});

test("what the data are is said by datacontenttype before Content-Type, and is no attribute", () => {
  const header = {
    "ce-specversion": "1.0",
    "ce-id": "1",
    "ce-source": "/a",
    "ce-type": "t",
    "ce-datacontenttype": "text/plain",
  };
  for (const contentType of [undefined, "application/json"])
    expect(readCloudEvent({ topic: "t", header, body: bytes("x") }, contentType)).toEqual({
      event: { id: "1", source: "/a", type: "t" },
      body: bytes("x"),
      contentType: "text/plain",
    });
});

test("an event without data is written without them", () => {
  const event = makeCloudEvent({ type: "order", time: at }, own);
  for (const contentType of ["application/json", "image/png"]) {
    const written = JSON.parse(new TextDecoder().decode(writeStructured(event, bytes(""), contentType)));
    expect(Object.keys(written)).toEqual(["specversion", "id", "source", "type", "time", "datacontenttype"]);
  }
});

test("what is no event is none, and one that lacks something cannot be read", () => {
  const letter = { topic: "t", header: { "ce-id": "1" }, body: bytes("{}") };
  expect(readCloudEvent(letter, "application/json")).toBeUndefined();
  expect(() => readCloudEvent(letter, "application/cloudevents+json")).toThrow(
    "version undefined is not known",
  );
  expect(() => readCloudEvent(letter, "application/cloudevents-batch+json")).toThrow("is not known");
  const bare = { ...letter, header: { "ce-specversion": "1.0", "ce-id": "1" } };
  expect(() => readCloudEvent(bare, undefined)).toThrow("source is missing");
  const deep = `{"specversion":"1.0","id":"1","source":"a","type":"b","data":${"[".repeat(1e6)}${"]".repeat(1e6)}}`;
  expect(() =>
    readCloudEvent({ topic: "t", header: {}, body: bytes(deep) }, "application/cloudevents+json"),
  ).toThrow("CloudEvent: nested too deep");
});

test("what a header cannot hold is escaped and read back", () => {
  const event = makeCloudEvent({ type: "order", subject: 'a "b" é 50%', time: at }, own);
  const header = writeBinary(event);
  expect(header["ce-subject"]).toBe("a%20%22b%22%20%C3%A9%2050%25");
  expect(readCloudEvent({ topic: "t", header, body: bytes("") }, undefined)?.event.subject).toBe(
    'a "b" é 50%',
  );
});

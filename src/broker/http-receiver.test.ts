/** The receiver of messages by HTTP, without a socket: what it refuses, and in which words. */
import { expect, test } from "bun:test";
import type { Letter } from "./carrier.ts";
import { httpReceiver } from "./http-receiver.ts";

const maxBytes = 100;
const id = "node";

interface Answered {
  status: number;
  text: string;
  got: number;
  letters: readonly Letter[];
}

/** What a receiver with one subscriber answers, and what it handed over. */
async function post(path: string, init: RequestInit): Promise<Answered> {
  const receiver = httpReceiver(maxBytes);
  const letters: Letter[] = [];
  receiver.add(
    { id, topic: "t", queue: undefined },
    {
      full: false,
      room: () => Promise.resolve(true),
      take: (letter) => {
        letters.push(letter);
        return Promise.resolve("done");
      },
    },
  );
  const request = new Request(`http://localhost${path}`, { method: "POST", ...init });
  const response = await receiver.fetch(request);
  return { status: response.status, text: await response.text(), got: letters.length, letters };
}

const event = { "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/", "ce-type": "t" };
const structuredType = "application/cloudevents+json";
const batchType = "application/cloudevents-batch+json";
const envelope = (bytes: number) =>
  JSON.stringify({ Header: { "Micro-Topic": "t" }, Body: Buffer.alloc(bytes).toString("base64") });

test.each([
  ["a CloudEvent", "/?topic=t", (bytes: number) => ({ headers: event, body: "x".repeat(bytes) })],
  ["a message of Go Micro's", `/?id=${id}`, (bytes: number) => ({ body: envelope(bytes) })],
])("%s may be as large as a message, and no larger", async (_, path, init) => {
  expect(await post(path, init(maxBytes))).toMatchObject({ status: 200, text: "", got: 1 });
  const { status, got } = await post(path, init(maxBytes + 1));
  expect([status, got]).toEqual([413, 0]);
});

test.each([
  ["/?topic=other", { headers: event }, 404, "Not Found"],
  ["/", { headers: event }, 400, "Bad Request"],
  ["/?topic=t", { headers: { ...event, "ce-source": "" } }, 400, "Bad Request"],
  ["/?topic=t", { headers: { ...event, "ce-specversion": "0.3" } }, 400, "Bad Request"],
  ["/?topic=t", { headers: { "ce-id": "1", "ce-source": "/", "ce-type": "t" } }, 400, "Bad Request"],
  ["/?topic=t", { headers: { "content-type": structuredType }, body: "{}" }, 400, "Bad Request"],
  ["/?topic=t", { headers: { "content-type": batchType }, body: "[]" }, 415, "Unsupported Media Type"],
  ["/", { method: "PUT" }, 405, "Method Not Allowed"],
  [`/?id=${id}`, { body: "[]" }, 500, "Internal Server Error"],
])("a refusal of %s says its own status", async (path, init, code, reason) => {
  const { status, text, got } = await post(path, init);
  expect([status, JSON.parse(text)]).toMatchObject([code, { id: "go.micro.broker", code, status: reason }]);
  expect(got).toBe(0);
});

test("an event that lacks something is refused with what it lacks", async () => {
  const { "ce-source": _, ...rest } = event;
  const { text } = await post("/?topic=t", { headers: rest });
  expect(JSON.parse(text).detail).toBe("CloudEvent: source is missing");
});

test("an event that is posted says by Content-Type alone what its data are", async () => {
  const headers = { ...event, "ce-datacontenttype": "image/png", "content-type": "application/json" };
  const { letters } = await post("/?topic=t", { headers, body: "1" });
  expect(letters[0]?.header).toEqual({ ...event, "Content-Type": "application/json", "Micro-Topic": "t" });
});

test("an envelope that holds an event with a fault is taken: Go Micro's publishers read no refusal", async () => {
  const header = { "Micro-Topic": "t", "ce-specversion": "0.3" };
  const { status, got } = await post(`/?id=${id}`, { body: JSON.stringify({ Header: header, Body: "" }) });
  expect([status, got]).toEqual([200, 1]);
});

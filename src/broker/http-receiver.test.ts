/** The receiver of messages by HTTP, without a socket: what it refuses, and in which words. */
import { expect, test } from "bun:test";
import { httpReceiver } from "./http-receiver.ts";

const maxBytes = 100;
const id = "node";

/** What a receiver with one subscriber answers, and the bodies that it handed over. */
async function post(path: string, init: RequestInit): Promise<{ status: number; text: string; got: number }> {
  const receiver = httpReceiver(maxBytes);
  let got = 0;
  receiver.add(
    { id, topic: "t", queue: undefined },
    {
      full: false,
      room: () => Promise.resolve(true),
      take: () => {
        got++;
        return Promise.resolve("done");
      },
    },
  );
  const request = new Request(`http://localhost${path}`, { method: "POST", ...init });
  const response = await receiver.fetch(request);
  return { status: response.status, text: await response.text(), got };
}

const event = { "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/", "ce-type": "t" };
const envelope = (bytes: number) =>
  JSON.stringify({ Header: { "Micro-Topic": "t" }, Body: Buffer.alloc(bytes).toString("base64") });

test.each([
  ["a CloudEvent", "/?topic=t", (bytes: number) => ({ headers: event, body: "x".repeat(bytes) })],
  ["a message of Go Micro's", `/?id=${id}`, (bytes: number) => ({ body: envelope(bytes) })],
])("%s may be as large as a message, and no larger", async (_, path, init) => {
  expect(await post(path, init(maxBytes))).toEqual({ status: 200, text: "", got: 1 });
  const { status, got } = await post(path, init(maxBytes + 1));
  expect([status, got]).toEqual([413, 0]);
});

test.each([
  ["/?topic=other", { headers: event }, 404, "Not Found"],
  ["/", { headers: event }, 400, "Bad Request"],
  ["/", { method: "PUT" }, 405, "Method Not Allowed"],
  [`/?id=${id}`, { body: "[]" }, 500, "Internal Server Error"],
])("a refusal of %s says its own status", async (path, init, code, reason) => {
  const { status, text } = await post(path, init);
  expect([status, JSON.parse(text)]).toMatchObject([code, { id: "go.micro.broker", code, status: reason }]);
});

import { expect, test } from "bun:test";
import type { MessageType, Method } from "../call.ts";
import { jsonMessage } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { StatusError } from "./failure.ts";
import type { Bodies } from "./gateway.ts";
import { askedOf, readContent } from "./request-message.ts";

const bodies: Bodies = {
  async readBody(request, maxBytes) {
    const bytes = new Uint8Array(await request.arrayBuffer());
    if (bytes.length > maxBytes) throw new MicrorunError("resource_exhausted", "request: too large");
    return bytes;
  },
  decompress: async (bytes) => bytes,
  compress: async () => undefined,
  fields: (fields, type) => type.fromJson(Object.fromEntries(fields)),
};
const names = { service: "greeter.Greeter", method: "Hello" };
const message: MessageType = {
  ...jsonMessage,
  name: "greeter.HelloRequest",
  fromJson: (json) => ({ read: json }),
};
const learned: Method = {
  ...{ service: "helloworld.Greeter", name: "Hello", requestStream: false, responseStream: false },
  ...{ idempotent: false, request: message, response: message },
};

async function asked(init: RequestInit, path = "/", known: Method | undefined = undefined) {
  const request = new Request(`http://gateway${path}`, { method: "POST", ...init });
  const content = await readContent(request, new URL(request.url), 100, bodies);
  const { request: value, method } = askedOf(content, names, known, bodies);
  return { value: value instanceof Uint8Array ? Buffer.from(value).toString() : value, method };
}

const typed = (type: string, body: string): RequestInit => ({ headers: { "content-type": type }, body });

test("JSON goes on as its text to a service that tells nothing of itself", async () => {
  const { value, method } = await asked(
    typed("application/json; charset=utf-8", '{"n": 12345678901234567890}'),
  );
  expect(value).toBe('{"n": 12345678901234567890}');
  expect(method).toMatchObject({
    ...{ service: "greeter.Greeter", name: "Hello" },
    passing: { contentType: "application/grpc+json" },
  });
});

test("JSON becomes a message of the type that the service tells", async () => {
  const { value, method } = await asked(typed("application/json", '{"name":"John"}'), "/", learned);
  expect(value).toEqual({ read: { name: "John" } });
  expect(method).toBe(learned);
});

test("protobuf goes on as its bytes, under the name that the service tells", async () => {
  const { value, method } = await asked(typed("application/protobuf", "\n\u0004John"), "/", learned);
  expect(value).toBe("\n\u0004John");
  expect(method).toMatchObject({
    service: "helloworld.Greeter",
    passing: { contentType: "application/grpc+proto" },
  });
});

test("fields of a query, a form and a multipart form are the message's", async () => {
  expect((await asked({ method: "GET" }, "/?name=John")).value).toBe('{"name":"John"}');
  expect((await asked({ method: "DELETE" }, "/?id=7", learned)).value).toEqual({ read: { id: "7" } });
  expect((await asked(typed("application/x-www-form-urlencoded", "name=John+D"))).value).toBe(
    '{"name":"John D"}',
  );
  const form = new FormData();
  form.set("n", "1");
  const multipart = new Request("http://gateway/", { method: "POST", body: form });
  const content = await readContent(multipart, new URL(multipart.url), 1000, bodies);
  expect(askedOf(content, names, learned, bodies).request).toEqual({ read: { n: "1" } });
});

test("what is no message is refused", async () => {
  const cases: readonly (readonly [init: RequestInit, why: string])[] = [
    [typed("text/weird", "{}"), "Unsupported Content-Type"],
    [{ body: new Uint8Array([123]) }, "Unsupported Content-Type"],
    [typed("application/json", "{"), "the request is not JSON"],
    [typed("application/json", "a".repeat(101)), "request: too large"],
    [typed("multipart/form-data", "x"), "not the multipart form that it says"],
  ];
  for (const [init, why] of cases) await expect(asked(init), why).rejects.toThrow(why);
  const large = await asked(typed("application/json", "a".repeat(101))).catch((error: unknown) => error);
  expect(large).toBeInstanceOf(StatusError);
  expect((large as StatusError).status).toBe(413);
});

import { expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { httpGreeter } from "../../test/http-greeter.ts";
import { MicrorunError } from "../errors.ts";
import { envelope } from "./envelope.ts";

const json = { "content-type": "application/connect+json" };
const pack = (...messages: readonly unknown[]): Uint8Array<ArrayBuffer> =>
  new Uint8Array(
    Buffer.concat(messages.map((message) => envelope(new TextEncoder().encode(JSON.stringify(message))))),
  );

/** The messages of a reply, the last one being its end. */
async function unpack(response: Response): Promise<unknown[]> {
  const bytes = Buffer.from(await response.arrayBuffer());
  const found: unknown[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at + 1);
    found.push([bytes[at], JSON.parse(bytes.toString("utf8", at + 5, at + 5 + length))]);
    at += 5 + length;
  }
  return found;
}

test("a reply is streamed in envelopes, and the last one says how it ended", async () => {
  const { post } = httpGreeter();
  const response = await post("/test.Greeter/Count", pack({ to: 2 }), json);
  expect([response.status, response.headers.get("content-type")]).toEqual([200, json["content-type"]]);
  expect(await unpack(response)).toEqual([
    [0, { n: 1 }],
    [0, { n: 2 }],
    [2, {}],
  ]);
  const failed = await unpack(await post("/test.Greeter/Count", pack({ to: 4 }), json));
  expect(failed.at(-1)).toEqual([2, { error: { code: "out_of_range", message: "only up to 3" } }]);
});

test("a request is streamed to the handler, packed or not", async () => {
  const { post } = httpGreeter();
  const body = Buffer.concat([pack({ name: "a" }), envelope(gzipSync('{"name":"b"}'), 1)]);
  const headers = { ...json, "connect-content-encoding": "gzip" };
  const response = await post("/test.Greeter/Join", new Uint8Array(body), headers);
  expect(await unpack(response)).toEqual([
    [0, { names: ["a", "b"] }],
    [2, {}],
  ]);
});

test("both sides stream, in protobuf too", async () => {
  const { post } = httpGreeter();
  const body = Buffer.concat([envelope(Buffer.from("A")), envelope(Buffer.from("BC"))]);
  const response = await post("/test.Greeter/Echo", new Uint8Array(body), {
    "content-type": "application/connect+proto",
  });
  expect(Buffer.from(await response.arrayBuffer()).toString("latin1")).toBe(
    "\0\0\0\0\x01A\0\0\0\0\x02BC\x02\0\0\0\x02{}",
  );
});

test("a body that is no row of envelopes is refused with the reason", async () => {
  const { post, calls } = httpGreeter({ maxBodyBytes: 100 });
  const told = async (body: Uint8Array, path = "Count", headers = {}): Promise<string> => {
    const response = await post(`/test.Greeter/${path}`, new Uint8Array(body), { ...json, ...headers });
    const [, end] = (await unpack(response)).at(-1) as [number, { error: { code: string; message: string } }];
    return `${end.error.code} ${end.error.message}`;
  };
  expect(await told(new Uint8Array())).toContain("unimplemented request body: no message");
  expect(await told(pack({}, {}))).toContain("unimplemented request body: more than one message");
  expect(await told(pack({}).subarray(0, 4))).toContain("ends inside an envelope");
  expect(await told(pack({}).subarray(0, 6))).toContain("ends inside an envelope");
  expect(await told(envelope(Buffer.from("{}"), 4))).toContain("unknown flags 4");
  expect(await told(envelope(gzipSync("{}"), 1))).toBe(
    "internal envelope: compressed, but no connect-content-encoding says how",
  );
  expect(await told(envelope(Buffer.from("{}"), 1), "Count", { "connect-content-encoding": "br" })).toContain(
    "unimplemented compression br",
  );
  expect(await told(envelope(Buffer.alloc(101)))).toBe("resource_exhausted request: larger than 100 bytes");
  expect(await told(Buffer.from("\0\xff\xff\xff\xff", "latin1"))).toContain("resource_exhausted");
  expect(await told(envelope(Buffer.from("{"), 0), "Join")).toContain("invalid JSON");
  expect(calls.map(({ method }) => method)).toEqual(["Join"]);
});

test("a caller who leaves a stream aborts its signal and ends its handler", async () => {
  const left = Promise.withResolvers<unknown>();
  const { fetch } = httpGreeter({
    count: async ({ signal }) =>
      (async function* () {
        try {
          yield { n: 1 };
          await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
        } catch (error) {
          left.resolve(error);
        }
      })(),
  });
  const request = new Request("http://localhost/test.Greeter/Count", {
    method: "POST",
    body: pack({ to: 1 }),
    headers: json,
  });
  const reader = (await fetch(request)).body!.getReader();
  await reader.read();
  void reader.read();
  await Promise.resolve();
  await reader.cancel();
  expect(await left.promise).toMatchObject({ code: "cancelled" });
});

test("a deadline ends a stream whose handler is silent", async () => {
  const { post } = httpGreeter({
    count: async () =>
      (async function* () {
        yield { n: 1 };
        await new Promise(() => {});
      })(),
  });
  const response = await post("/test.Greeter/Count", pack({}), { ...json, "connect-timeout-ms": "20" });
  expect((await unpack(response)).at(-1)).toEqual([
    2,
    { error: { code: "deadline_exceeded", message: "the deadline is over" } },
  ]);
});

test("trailers go into the last envelope", async () => {
  const { post } = httpGreeter({
    count: async ({ reply }) => {
      reply?.header.set("x-one", "1");
      reply?.trailer.set("x-two", "2");
      throw new MicrorunError("aborted", "no");
    },
  });
  const response = await post("/test.Greeter/Count", pack({}), json);
  expect(response.headers.get("x-one")).toBe("1");
  expect(await unpack(response)).toEqual([
    [2, { error: { code: "aborted", message: "no" }, metadata: { "x-two": ["2"] } }],
  ]);
});

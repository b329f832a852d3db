import { expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { type GreeterOptions, httpGreeter } from "../../test/http-greeter.ts";
import { MicrorunError } from "../errors.ts";

/** An envelope, written by hand: flags, the length, the message. */
const frame = (message: string | Uint8Array, flags = 0): Uint8Array<ArrayBuffer> => {
  const bytes = Buffer.from(message as string);
  return new Uint8Array([
    flags,
    0,
    bytes.length >> 16,
    (bytes.length >> 8) & 0xff,
    bytes.length & 0xff,
    ...bytes,
  ]);
};
const join = (...parts: Uint8Array[]): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.concat(parts));
const base64 = (...parts: Uint8Array[]): string =>
  parts.map((part) => Buffer.from(part).toString("base64")).join("");

/** A call of the greeter: the status of HTTP, the content type, the body. */
async function call(
  path: string,
  type: string,
  body: string | Uint8Array<ArrayBuffer>,
  { headers = {}, ...options }: GreeterOptions & { headers?: Record<string, string> } = {},
): Promise<{ response: Response; told: unknown[] }> {
  const { post } = httpGreeter(options);
  const response = await post(`/test.Greeter/${path}`, body, { "content-type": type, ...headers });
  const told = [response.status, response.headers.get("content-type"), await response.text()];
  return { response, told };
}

const proto = "application/grpc-web+proto";
const json = "application/grpc-web+json";
const text = "application/grpc-web-text";
const good = "\x80\0\0\0\x10grpc-status: 0\r\n".replace("\x80", "\ufffd");

test("a call is a message in, a message and the status out, by the content type that was sent", async () => {
  for (const type of ["application/grpc-web", proto])
    expect((await call("Look", type, frame("JOHN"))).told).toEqual([200, type, `\0\0\0\0\x04JOHN${good}`]);
  expect((await call("Hello", `${json}; charset=utf-8`, frame('{"name":"John"}'))).told).toEqual([
    200,
    json,
    `\0\0\0\0\x19{"greeting":"Hello John"}${good}`,
  ]);
  // no bytes are a message, too
  expect((await call("Look", proto, frame(""))).told).toEqual([200, proto, `\0\0\0\0\0${good}`]);
});

test("a body of base64 is answered in base64, each part of a stream padded", async () => {
  const end = join(frame("grpc-status: 0\r\n", 0x80));
  for (const type of [text, `${text}+proto`])
    expect((await call("Look", type, base64(frame("JOHN")))).told).toEqual([
      200,
      type,
      base64(join(frame("JOHN"), end)),
    ]);
  expect((await call("Look", text, base64(new Uint8Array(5).fill(4, 4), Buffer.from("JOHN")))).told[2]).toBe(
    base64(join(frame("JOHN"), end)),
  );
  expect((await call("Echo", text, base64(frame("A"), frame("BC")))).told).toEqual([
    200,
    text,
    base64(frame("A"), frame("BC"), end),
  ]);
});

test("a reply streams, and its last envelope says how it ended", async () => {
  const { told } = await call("Count", json, frame('{"to":4}'));
  const failed = "grpc-status: 11\r\ngrpc-message: only up to 3\r\n";
  expect(told).toEqual([
    200,
    json,
    `${[1, 2, 3].map((n) => `\0\0\0\0\x07{"n":${n}}`).join("")}\ufffd\0\0\0${String.fromCharCode(failed.length)}${failed}`,
  ]);
});

test("a request streams, packed or not", async () => {
  const body = join(frame('{"name":"a"}'), frame(gzipSync('{"name":"b"}'), 1));
  const { told } = await call("Join", json, body, { headers: { "grpc-encoding": "gzip" } });
  expect(told[2]).toBe(`\0\0\0\0\x13{"names":["a","b"]}${good}`);
});

test("an error is a status with 200: its text percent-encoded, its details in base64, trailers after it", async () => {
  const { response, told } = await call("Hello", json, frame("{}"), {
    hello: async ({ reply }) => {
      reply?.header.set("x-one", "1");
      reply?.trailer.set("x-two-bin", "AQI=");
      reply?.trailer.set("grpc-status", "0");
      throw new MicrorunError("not_found", "no “user” 7\n", { reason: "NOBODY" });
    },
  });
  expect(told.slice(0, 2)).toEqual([200, json]);
  expect(response.headers.get("x-one")).toBe("1");
  const [, ...lines] = String(told[2]).slice(5).split("\r\n").toReversed();
  expect(lines.toReversed()).toEqual([
    "grpc-status: 5",
    "grpc-message: no %E2%80%9Cuser%E2%80%9D 7%0A",
    expect.stringMatching(/^grpc-status-details-bin: [\w+/]+=*$/),
    "x-two-bin: AQI=",
  ]);
  const details = Buffer.from(lines[1]!.slice("grpc-status-details-bin: ".length), "base64").toString();
  expect(details).toStartWith("\b\x05\x12\x10no “user” 7\n");
  expect(details).toContain("type.googleapis.com/google.rpc.ErrorInfo");
  expect(details).toEndWith("NOBODY");
});

/** Code and text of a call that failed. */
async function refused(
  path: string,
  type: string,
  body: string | Uint8Array<ArrayBuffer>,
  options?: Parameters<typeof call>[3],
): Promise<string> {
  const { told } = await call(path, type, body, options);
  expect(told.slice(0, 2)).toEqual([200, type]);
  const bytes = String(told[2]);
  const frames = /-text/.test(type) ? Buffer.from(bytes, "base64").toString() : bytes;
  const [, status, message] = /^\ufffd.{4}grpc-status: (\d+)\r\ngrpc-message: (.*)\r\n$/s.exec(frames) ?? [];
  return `${status} ${message}`;
}

test("what cannot be called is told in the same form", async () => {
  expect(await refused("Nope", proto, frame(""))).toBe("12 unknown method Nope for service test.Greeter");
  expect(await refused("Hello", text, base64(frame("")))).toBe(
    `12 content-type ${text}: test.Greeter/Hello has no .proto and takes ${text}+json`,
  );
  const { post } = httpGreeter();
  const unknown = await post("/test.Nobody/Hello", frame(""), { "content-type": proto });
  expect(await unknown.text()).toContain("grpc-status: 12\r\ngrpc-message: unknown service test.Nobody\r\n");
  const other = await post("/test.Greeter/Hello", frame(""), {
    "content-type": "application/grpc-web+thrift",
  });
  expect(other.status).toBe(415);
});

test("a body that is no envelope is refused with the reason", async () => {
  const limited = { maxBodyBytes: 100 };
  for (const path of ["Hello", "Count"]) {
    const told = (body: Uint8Array<ArrayBuffer>, headers = {}): Promise<string> =>
      refused(path, json, body, { ...limited, headers });
    expect(await told(new Uint8Array())).toBe("12 request body: no message, where one is expected");
    expect(await told(join(frame("{}"), frame("{}")))).toContain("12 request body: more than one message");
    expect(await told(frame("{}").subarray(0, 3))).toBe("3 request body: ends inside an envelope");
    expect(await told(frame("{}").subarray(0, 6))).toBe("3 request body: ends inside an envelope");
    expect(await told(frame("{}", 0x80))).toBe("3 envelope: unknown flags 128");
    expect(await told(frame(gzipSync("{}"), 1))).toBe(
      "13 envelope: compressed, but no grpc-encoding says how",
    );
    expect(await told(frame("{}", 1), { "grpc-encoding": "br" })).toStartWith("12 compression br");
    expect(await told(new Uint8Array([0, 255, 255, 255, 255]))).toBe("8 request: larger than 100 bytes");
    expect(await told(frame(`"${"x".repeat(200)}"`))).toBe("8 request: larger than 100 bytes");
    expect(await told(frame("{"))).toStartWith("3 request body: invalid JSON");
    expect(await refused(path, `${text}+json`, "AAAA*", limited)).toBe(
      "3 request body: not base64, as its content type says",
    );
  }
});

test("a message may be as large as any, in base64 too", async () => {
  const name = "x".repeat(89);
  const sent = frame(JSON.stringify({ name }));
  for (const [type, body] of [
    [json, sent],
    [`${text}+json`, base64(sent.subarray(0, 5), sent.subarray(5))],
  ] as const) {
    const hello = async (): Promise<unknown> => ({ ok: true });
    const { told } = await call("Hello", type, body, { maxBodyBytes: 100, hello });
    const frames = type === json ? String(told[2]) : Buffer.from(String(told[2]), "base64").toString();
    expect(frames).toContain('{"ok":true}');
  }
});

test("grpc-timeout is the deadline, of a stream too", async () => {
  const never = (): Promise<unknown> => new Promise(() => {});
  const headers = { "grpc-timeout": "20m" };
  expect(await refused("Hello", json, frame("{}"), { headers, hello: never })).toBe("4 the deadline is over");
  expect(await refused("Count", json, frame("{}"), { headers, count: never })).toBe("4 the deadline is over");
  expect(await refused("Hello", json, frame("{}"), { headers: { "grpc-timeout": "20" } })).toBe(
    "13 malformed grpc-timeout: 20",
  );
});

test("metadata reach the handler, the protocol's own fields do not", async () => {
  const { post, calls } = httpGreeter();
  const headers = { "x-a": "1", "b-bin": "AQI=", "x-grpc-web": "1", "grpc-timeout": "10S" };
  await post("/test.Greeter/Hello", frame("{}"), { "content-type": json, ...headers });
  expect([...calls[0]!.metadata]).toEqual([
    ["b-bin", "AQI="],
    ["x-a", "1"],
  ]);
  expect(calls[0]!.deadline).toBeNumber();
});

import { expect, test } from "bun:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { httpGreeter } from "../../test/http-greeter.ts";
import { MicrorunError } from "../errors.ts";

interface Told {
  code: string;
  message: string;
}

const read = (response: Response): Promise<Told> => response.json() as Promise<Told>;
const json = { "content-type": "application/json" };
const proto = { "content-type": "application/proto" };

test("a call in JSON is answered in JSON, also by the last part of the service's name", async () => {
  const { post, calls } = httpGreeter();
  for (const path of ["/test.Greeter/Hello", "/Greeter/Hello", "/pb.Greeter/Hello", "/.Greeter/Hello"]) {
    const response = await post(path, '{"name":"John"}', json);
    expect([response.status, await response.text()]).toEqual([200, '{"greeting":"Hello John"}']);
    expect(response.headers.get("content-type")).toBe("application/json");
  }
  expect(calls[0]).toMatchObject({ service: "test.Greeter", method: "Hello", peer: "192.0.2.1:4444" });
});

test("a call in protobuf is answered in protobuf where there is a schema", async () => {
  const { post } = httpGreeter();
  const response = await post("/test.Greeter/Look", "JOHN", proto);
  expect([response.headers.get("content-type"), await response.text()]).toEqual([
    "application/proto",
    "JOHN",
  ]);
  const without = await post("/test.Greeter/Hello", "JOHN", proto);
  expect(without.status).toBe(415);
  expect(without.headers.get("accept-post")).toBe("application/json");
});

test("what bare curl sends is taken as JSON when it looks like it, but never from another site's page", async () => {
  const { post } = httpGreeter();
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const bytes = new TextEncoder().encode(' {"name":"John"}');
  expect((await post("/test.Greeter/Hello", bytes, form)).status).toBe(200);
  expect((await post("/test.Greeter/Hello", bytes)).status).toBe(200);
  expect(await (await post("/test.Greeter/Look", new Uint8Array())).text()).toBe('{"name":""}');
  const page = await post("/test.Greeter/Hello", "name=John", form);
  expect([page.status, (await read(page)).message]).toEqual([
    400,
    "request body: no content type of a call, and it does not start with {",
  ]);
  expect((await post("/test.Greeter/Hello", bytes, { ...form, origin: "http://evil.test" })).status).toBe(
    415,
  );
  expect((await post("/test.Greeter/Hello", bytes, { "sec-fetch-site": "cross-site" })).status).toBe(415);
  expect((await post("/test.Greeter/Hello", bytes, { ...json, origin: "http://evil.test" })).status).toBe(
    200,
  );
});

test("a content type that no call has is refused with those that it may have", async () => {
  const { post } = httpGreeter();
  const response = await post("/test.Greeter/Look", "<x/>", { "content-type": "text/xml; charset=utf-8" });
  expect(response.status).toBe(415);
  expect(response.headers.get("accept-post")).toBe("application/json, application/proto");
  expect(await response.json()).toEqual({
    code: "unimplemented",
    message: "content-type text/xml: test.Greeter/Look takes application/json or application/proto",
  });
  const streams = await post("/test.Greeter/Count", "{}", json);
  expect([streams.status, (await read(streams)).message]).toEqual([
    415,
    "content-type application/json: test.Greeter/Count streams and takes application/connect+json",
  ]);
});

test("a method that HTTP has and the call has not is refused with those that it has", async () => {
  const { get, fetch } = httpGreeter();
  const response = await get("/test.Greeter/Hello");
  expect([response.status, response.headers.get("allow")]).toEqual([405, "POST"]);
  const put = await fetch(new Request("http://localhost/test.Greeter/Look", { method: "PUT", body: "{}" }));
  expect([put.status, put.headers.get("allow")]).toEqual([405, "GET, HEAD, POST"]);
});

test("an error is told by Connect's status, code, message and details", async () => {
  const statusOf = async (error: MicrorunError): Promise<[number, unknown]> => {
    const { post } = httpGreeter({ hello: () => Promise.reject(error) });
    const response = await post("/test.Greeter/Hello", "{}", json);
    return [response.status, await response.json()];
  };
  const left = await statusOf(new MicrorunError("cancelled", "gone"));
  expect(left).toEqual([499, { code: "canceled", message: "gone" }]);
  expect(await statusOf(new MicrorunError("failed_precondition", "x"))).toMatchObject([400, {}]);
  const [status, body] = await statusOf(
    new MicrorunError("not_found", "no user 7", { reason: "NO_USER", details: { id: "7" }, hint: "kept" }),
  );
  expect(status).toBe(404);
  expect(body).toEqual({
    code: "not_found",
    message: "no user 7",
    details: [
      {
        type: "google.rpc.ErrorInfo",
        value: Buffer.from("\x0a\x07NO_USER\x1a\x07\x0a\x02id\x12\x017")
          .toString("base64")
          .replace(/=+$/, ""),
        debug: { reason: "NO_USER", metadata: { id: "7" } },
      },
    ],
  });
});

test("a request that cannot be read is refused with place and reason", async () => {
  const { post, calls } = httpGreeter({ maxBodyBytes: 100 });
  const told = async (
    body: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = json,
  ): Promise<unknown[]> => {
    const response = await post("/test.Greeter/Look", body, headers);
    const { code, message } = await read(response);
    return [response.status, code, message];
  };
  expect(await told('{"name": John}')).toEqual([
    400,
    "invalid_argument",
    "request body: invalid JSON at line 1, column 10: a value is expected, not John",
  ]);
  expect(await told('{"name": 7}')).toEqual([
    400,
    "invalid_argument",
    "test.Name.name: a string is expected, got number",
  ]);
  expect(await told("")).toMatchObject([
    400,
    "invalid_argument",
    "request body: empty, where JSON is expected",
  ]);
  expect(await told(new Uint8Array([0x22, 0xff, 0x22]))).toMatchObject([
    400,
    "invalid_argument",
    "request body: not UTF-8",
  ]);
  const large = [413, "resource_exhausted", "request: larger than 100 bytes"];
  expect(await told(" ".repeat(101))).toEqual(large);
  expect(await told("{}", { ...json, "content-length": "101" })).toEqual(large);
  const gzip = { ...json, "content-encoding": "gzip" };
  expect(await told(gzipSync(" ".repeat(10_000)), gzip)).toEqual(large);
  expect(await told("{}", gzip)).toContain("request body: not gzip as its encoding says");
  const code = async (more: Record<string, string>): Promise<unknown[]> =>
    (await told("{}", { ...json, ...more })).slice(0, 2);
  expect(await code({ "content-encoding": "br" })).toEqual([501, "unimplemented"]);
  expect(await code({ "connect-protocol-version": "2" })).toEqual([400, "invalid_argument"]);
  expect(await code({ "connect-timeout-ms": "soon" })).toEqual([400, "invalid_argument"]);
  expect(calls).toEqual([]);
});

test("a compressed request is unpacked, and a long reply packed for who takes it", async () => {
  const { post } = httpGreeter();
  const body = gzipSync('{"name":"John"}');
  const short = await post("/test.Greeter/Look", body, { ...json, "content-encoding": "gzip" });
  expect(await short.text()).toBe('{"name":"John"}');
  const name = "x".repeat(20_000);
  const ask = (accepted: string): Promise<Response> =>
    post("/test.Greeter/Look", JSON.stringify({ name }), { ...json, "accept-encoding": accepted });
  const packed = await ask("br, gzip");
  expect(packed.headers.get("content-encoding")).toBe("gzip");
  expect(JSON.parse(gunzipSync(await packed.arrayBuffer()).toString())).toEqual({ name });
  expect((await ask("gzip;q=0")).headers.get("content-encoding")).toBeNull();
});

test("a reply that does not fit its type or its bound is the handler's fault, and its text is kept", async () => {
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  const odd = httpGreeter({ hello: async () => circle });
  const response = await odd.post("/test.Greeter/Hello", "{}", json);
  expect([response.status, await response.json()]).toEqual([
    500,
    { code: "internal", message: "internal error" },
  ]);
  expect(odd.logged[0]?.message).toBe("test.Greeter.Hello: the handler's reply does not fit its type");
  const long = httpGreeter({ hello: async () => "x".repeat(101), maxBodyBytes: 100 });
  const refused = await long.post("/test.Greeter/Hello", "{}", json);
  expect([refused.status, (await read(refused)).code]).toEqual([429, "resource_exhausted"]);
});

test("metadata goes both ways, without what belongs to HTTP", async () => {
  const { post, calls } = httpGreeter({
    hello: async ({ reply }) => {
      reply?.header.append("x-one", "1");
      reply?.header.set("content-type", "text/evil");
      reply?.header.append("set-cookie", "a=1");
      reply?.header.append("set-cookie", "b=2");
      reply?.trailer.set("x-two", "2");
      return {};
    },
  });
  const sent = {
    ...json,
    authorization: "Bearer t",
    "x-id-bin": "AQI",
    "connect-timeout-ms": "1000",
    te: "trailers",
  };
  const { headers } = await post("/test.Greeter/Hello", "{}", sent);
  expect([...calls[0]!.metadata.keys()]).toEqual(["authorization", "x-id-bin"]);
  expect(headers.get("x-one")).toBe("1");
  expect(headers.get("trailer-x-two")).toBe("2");
  expect(headers.getSetCookie()).toEqual(["a=1", "b=2"]);
  expect(headers.get("content-type")).toBe("application/json");
});

test("every error's content type is written as Connect's clients compare it", async () => {
  const { get, post } = httpGreeter({ hello: () => Promise.reject(new MicrorunError("not_found", "no")) });
  const answers = [
    post("/test.Greeter/Hello", "{}", json),
    post("/test.Greeter/Bye", "{}", json),
    post("/test.Greeter/Look", "{", json),
    post("/test.Greeter/Look", "<x/>", { "content-type": "text/xml" }),
    get("/test.Greeter/Look"),
  ];
  for (const { ok, headers } of await Promise.all(answers))
    expect([ok, headers.get("content-type")]).toEqual([false, "application/json"]);
});

test("HEAD is answered as GET: servers leave the body out", async () => {
  const { fetch } = httpGreeter();
  const url = "http://localhost/test.Greeter/Look?encoding=json&message=%7B%22name%22:%22John%22%7D";
  const response = await fetch(new Request(url, { method: "HEAD" }));
  expect([response.status, response.headers.get("content-length")]).toEqual([200, "15"]);
});

test("a method without side effects may be asked by GET", async () => {
  const { get } = httpGreeter();
  const text = async (query: string): Promise<string> => (await get(`/test.Greeter/Look?${query}`)).text();
  const message = encodeURIComponent('{"name":"John"}');
  expect(await text(`connect=v1&encoding=json&message=${message}`)).toBe('{"name":"John"}');
  const packed = gzipSync("JOHN").toString("base64url");
  expect(await text(`connect=v1&encoding=proto&base64=1&compression=gzip&message=${packed}`)).toBe("JOHN");
  for (const garbage of ["!!!", "A", "SkFO=SkFO"])
    expect(JSON.parse(await text(`encoding=proto&base64=1&message=${garbage}`))).toEqual({
      code: "invalid_argument",
      message: "query: the parameter message is not base64",
    });
  expect(JSON.parse(await text("encoding=json"))).toMatchObject({ code: "invalid_argument" });
  expect(JSON.parse(await text(`encoding=xml&message=${message}`))).toMatchObject({ code: "unimplemented" });
  expect(JSON.parse(await text(`connect=v2&message=${message}`))).toMatchObject({ code: "invalid_argument" });
});

/** What comes down the wire to a gRPC port, good and bad, as raw HTTP/2 streams see it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from "node:http2";
import { connect as connectTcp } from "node:net";
import { deflateSync, gzipSync } from "node:zlib";
import { type Dispatch, jsonMessage } from "../src/call.ts";
import { MicrorunError } from "../src/errors.ts";
import { parseSchema } from "../src/grpc/schema/schema.ts";
import type { OpenSocket } from "../src/h2/h2.ts";
import { silentLog } from "../src/log.ts";
import { composeService } from "../src/service/compose.ts";
import type { Server } from "../src/transport/transport.ts";
import { transports } from "./transports.ts";

const schema = parseSchema(
  "greeter.proto",
  `syntax = "proto3";
  package greeter;
  message HelloRequest { string name = 1; string last_name = 2; }
  message HelloReply { string greeting = 1; }
  service Greeter {
    rpc Hello(HelloRequest) returns (HelloReply);
    rpc Many(HelloRequest) returns (stream HelloReply);
    rpc Sum(stream HelloRequest) returns (HelloReply);
  }`,
);
const plain = {
  service: "Plain",
  name: "Echo",
  requestStream: false,
  responseStream: false,
  idempotent: false,
};
const methods = [
  ...[...schema.services.values()].flat(),
  { ...plain, request: jsonMessage, response: jsonMessage },
];
const service = composeService({ name: "greeter", version: "1", id: "greeter-1", metadata: {} }, [
  {
    endpoints: methods.map((method) => ({ method, handler: undefined, internal: false })),
    schemas: [schema],
  },
]);

const dispatch: Dispatch = async (call) => {
  if (call.method === "Echo") return call.request;
  if (call.method === "Many") return [{ greeting: "a" }, { greeting: "b" }];
  if (call.method === "Sum") {
    const names: string[] = [];
    for await (const { name } of call.request as AsyncIterable<{ name: string }>) names.push(name);
    return { greeting: names.join("+") };
  }
  const { name, lastName } = call.request as { name: string; lastName: string };
  if (name === "boom") throw new MicrorunError("not_found", 'no "bo%m" <é>#', { reason: "greeter.Hello" });
  if (name === "never") return new Promise(() => {});
  if (name === "deadline")
    return { greeting: `${call.deadline === undefined ? "none" : call.deadline - Date.now()}` };
  if (name === "metadata") return { greeting: JSON.stringify(Object.fromEntries(call.metadata)) };
  return { greeting: `Hello ${name}${lastName}!` };
};

describe.each(transports)("%s", (name, transport) => {
  let server: Server;
  let session: ClientHttp2Session;
  /** What the web side was asked. */
  const web = {
    told: Promise.withResolvers<unknown>(),
    fetch: async (request: Request, peer?: string) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/echo") return new Response(request.body);
      if (pathname === "/early") return new Response("enough");
      if (pathname === "/drop") {
        await request.body?.cancel();
        await new Promise((resolve) => setTimeout(resolve, 50));
        return new Response("dropped");
      }
      if (pathname === "/throws") throw new Error("secret");
      if (pathname === "/never") {
        request.signal.addEventListener("abort", () => web.told.resolve(request.signal.reason));
        return new Promise<Response>(() => {});
      }
      const body = await request.text();
      const answer = JSON.stringify({
        method: request.method,
        path: new URL(request.url).pathname,
        body,
        peer,
      });
      const headers = new Headers({ "content-type": "application/json", connection: "close" });
      headers.append("set-cookie", "a=1");
      headers.append("set-cookie", "b=2");
      return new Response(answer, { status: 201, headers });
    },
    accept: (socket: OpenSocket) => ({
      receive(bytes: Buffer) {
        const answer = Buffer.from(`HTTP/1.1 200 OK\r\n\r\ngot ${bytes.length}`);
        socket.write(answer, 0, answer.length);
        socket.end();
      },
      writable() {},
      gone() {},
    }),
    async [Symbol.asyncDispose]() {},
  };

  const target = (at: Server) => `http://${at.address}`;

  beforeAll(async () => {
    server = await transport.listen(service, dispatch, { address: "127.0.0.1:0", web, log: silentLog });
    session = connect(target(server));
  });
  afterAll(async () => {
    session.destroy();
    await server[Symbol.asyncDispose]();
  });

  type Fields = Readonly<Record<string, string | number | readonly string[] | undefined>>;

  interface Answer {
    readonly headers: Fields;
    readonly trailers: Fields;
    readonly body: Buffer;
    /** From the trailers, or from the headers of an answer of trailers alone. */
    readonly status: string | undefined;
    readonly message: string | undefined;
  }

  function ask(headers: IncomingHttpHeaders, body?: Uint8Array, on = session): Promise<Answer> {
    const stream = on.request({
      ":method": "POST",
      ":path": "/greeter.Greeter/Hello",
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
    const answer = Promise.withResolvers<Answer>();
    const chunks: Buffer[] = [];
    let head: Fields = {};
    let trailers: Fields = {};
    stream.on("response", (got) => {
      head = { ...got };
    });
    stream.on("trailers", (got) => {
      trailers = { ...got };
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", answer.reject);
    stream.on("close", () => {
      const text = (key: string) => (trailers[key] ?? head[key])?.toString();
      const message = text("grpc-message");
      answer.resolve({
        headers: head,
        trailers,
        body: Buffer.concat(chunks),
        status: text("grpc-status"),
        message: message === undefined ? undefined : decodeURIComponent(message),
      });
    });
    stream.end(body);
    return answer.promise;
  }

  function frame(message: Uint8Array | string, compressed = false): Buffer {
    const head = Buffer.alloc(5);
    head[0] = compressed ? 1 : 0;
    head.writeUInt32BE(Buffer.byteLength(message), 1);
    return Buffer.concat([head, Buffer.from(message as Uint8Array)]);
  }

  const hello = (name: string) =>
    frame(methods.find((method) => method.name === "Hello")!.request.encode!({ name }));
  const bob = hello("bob");

  function greeting({ body }: Answer): string {
    const { response } = methods.find((method) => method.name === "Hello")!;
    return (response.decode!(body.subarray(5)) as { greeting: string }).greeting;
  }

  describe("paths", () => {
    test("the text after the service's last dot decides, the package is ignored", async () => {
      for (const path of [
        "/greeter.Greeter/Hello",
        "/pb.Greeter/Hello",
        "/.Greeter/Hello",
        "/Greeter/Hello",
      ]) {
        const answer = await ask({ ":path": path }, bob);
        expect([path, answer.status, greeting(answer)]).toEqual([path, "0", "Hello bob!"]);
      }
    });

    test("unknown services and methods are unimplemented, and named", async () => {
      const cases = {
        "/Nope/Hello": "unknown service Nope",
        "/greeter.Greeter/Nope": "unknown method Nope for service greeter.Greeter",
        "/Hello": "malformed method name: /Hello",
        "/a/greeter.Greeter/Hello": "malformed method name: /a/greeter.Greeter/Hello",
        "/greeter.Greeter/Hello/": "malformed method name: /greeter.Greeter/Hello/",
      };
      for (const [path, message] of Object.entries(cases)) {
        const { headers, status, message: got } = await ask({ ":path": path }, bob);
        expect([path, headers[":status"], status, got]).toEqual([path, 200, "12", message]);
      }
    });
  });

  describe("content types", () => {
    test("the reply has the request's, in its header and never in its trailer", async () => {
      for (const type of ["application/grpc", "application/grpc+proto", "application/grpc+weird"]) {
        const answer = await ask({ "content-type": type }, bob);
        expect(greeting(answer)).toBe("Hello bob!");
        expect([answer.headers["content-type"], answer.trailers["content-type"]]).toEqual([type, undefined]);
      }
      const failed = await ask({ "content-type": "application/grpc+proto" }, hello("boom"));
      expect([failed.headers["content-type"], failed.headers["grpc-status"]]).toEqual([
        "application/grpc+proto",
        "5",
      ]);
      expect(failed.trailers).toEqual({});
    });

    test("JSON in the frame is understood in camelCase and in snake_case", async () => {
      for (const request of ['{"name":"bob","lastName":"by"}', '{"name":"bob","last_name":"by"}']) {
        const answer = await ask({ "content-type": "application/grpc+json" }, frame(request));
        expect(answer.headers["content-type"]).toBe("application/grpc+json");
        expect(JSON.parse(answer.body.subarray(5).toString())).toEqual({ greeting: "Hello bobby!" });
      }
    });

    test("protobuf for a service without a .proto says what it speaks", async () => {
      const { status, message } = await ask({ ":path": "/Plain/Echo" }, bob);
      expect(status).toBe("12");
      expect(message).toContain("call it with content type application/grpc+json");
    });

    test("what is not gRPC goes to the web side, gRPC-Web too", async () => {
      for (const type of ["application/json", "application/grpc-web+proto", "application/grpcx"]) {
        const answer = await ask(
          { "content-type": type, ":path": "/greeter.Greeter/Hello?x=1" },
          Buffer.from("{}"),
        );
        expect(answer.headers[":status"]).toBe(201);
        expect(answer.headers["set-cookie"]).toEqual(["a=1", "b=2"]);
        expect(answer.headers.connection).toBeUndefined();
        const { method, path, body, peer } = JSON.parse(answer.body.toString());
        expect([method, path, body]).toEqual(["POST", "/greeter.Greeter/Hello", "{}"]);
        expect(peer).toMatch(/^127\.0\.0\.1:\d+$/);
      }
    });

    test("the web side streams both ways, and may answer early or fail", async () => {
      const large = Buffer.alloc(3_000_000, "x");
      const web = { "content-type": "text/plain" };
      expect((await ask({ ...web, ":path": "/echo" }, large)).body.equals(large)).toBe(true);
      const early = await ask({ ...web, ":path": "/early" }, large);
      expect(early.body.toString()).toBe("enough");
      if (name === "our own engine") expect(early.headers["content-type"]).toBe("text/plain;charset=utf-8");
      expect((await ask({ ...web, ":path": "/drop" }, large)).body.toString()).toBe("dropped");
      const failed = await ask({ ...web, ":path": "/throws" }, large);
      expect([failed.headers[":status"], failed.body.length]).toEqual([500, 0]);
    });

    test("the web side is told when its caller leaves", async () => {
      const stream = session.request({ ":method": "GET", ":path": "/never" });
      stream.on("error", () => {});
      await new Promise((resolve) => setTimeout(resolve, 20));
      stream.close(8);
      expect(((await web.told.promise) as MicrorunError).code).toBe("cancelled");
    });

    test("GET and HEAD go to the web side, whatever their content type", async () => {
      const got = await ask({ ":method": "GET" });
      expect(JSON.parse(got.body.toString()).method).toBe("GET");
      const head = await ask({ ":method": "HEAD" });
      expect([head.headers[":status"], head.body.length]).toEqual([201, 0]);
    });

    test("without a web side, what is not gRPC is 415, and HTTP/1.1 is closed", async () => {
      const bare = await transport.listen(service, dispatch, { address: "127.0.0.1:0", log: silentLog });
      const own = connect(target(bare));
      expect((await ask({ "content-type": "application/json" }, bob, own)).headers[":status"]).toBe(415);
      expect(await http1(bare, "GET / HTTP/1.1\r\n\r\n")).toBe("");
      own.close();
      await bare[Symbol.asyncDispose]();
    });

    test("HTTP/1.1 goes to the web side with every byte", async () => {
      const request = "PRIVATE / HTTP/1.1\r\nhost: x\r\n\r\n";
      expect(await http1(server, request)).toEndWith(`got ${request.length}`);
    });
  });

  describe("messages", () => {
    test("a compressed one without an encoding is internal", async () => {
      for (const encoding of [{}, { "grpc-encoding": "identity" }]) {
        const { status, message } = await ask(encoding, frame(gzipSync(bob.subarray(5)), true));
        expect([status, message]).toEqual([
          "13",
          "a message is flagged as compressed, but no grpc-encoding was named",
        ]);
      }
    });

    test("one with a flag that gRPC does not know is internal", async () => {
      for (const flag of [2, 255]) {
        const bytes = Buffer.from(bob);
        bytes[0] = flag;
        const { status, message } = await ask({}, bytes);
        expect([status, message]).toEqual(["13", `unexpected payload format ${flag}`]);
        expect((await ask({ ":path": "/Greeter/Sum" }, Buffer.concat([bob, bytes]))).status).toBe("13");
      }
    });

    test("gzip is understood, an unknown encoding unimplemented", async () => {
      const gzip = frame(gzipSync(bob.subarray(5)), true);
      expect(greeting(await ask({ "grpc-encoding": "gzip" }, gzip))).toBe("Hello bob!");
      const deflate = frame(deflateSync(bob.subarray(5)), true);
      expect(greeting(await ask({ "grpc-encoding": "deflate" }, deflate))).toBe("Hello bob!");
      for (const encoding of ["gzip", "deflate", "identity"])
        expect(greeting(await ask({ "grpc-encoding": encoding }, bob))).toBe("Hello bob!");
      // whether its messages are packed or not, and before they come
      for (const body of [gzip, bob, undefined]) {
        const { status, message } = await ask({ "grpc-encoding": "br" }, body);
        expect([status, message]).toEqual(["12", "messages of an encoding that is not known: br"]);
      }
    });

    test("a small message that unpacks to a large one is refused", async () => {
      const bomb = frame(gzipSync(Buffer.alloc(200_000_000)), true);
      expect(bomb.length).toBeLessThan(400_000);
      expect((await ask({ "grpc-encoding": "gzip" }, bomb)).status).toBe("8");
    });

    test("garbage is an invalid argument", async () => {
      for (const bytes of [[0xff], [0x0a, 0x7f, 0x61], [0x0a, 0x02, 0xc3, 0x28], [0x07]])
        expect([bytes, (await ask({}, frame(Buffer.from(bytes)))).status]).toEqual([bytes, "3"]);
      expect((await ask({ "content-type": "application/grpc+json" }, frame("{"))).status).toBe("3");
      const { status, message } = await ask({ "content-type": "application/grpc+json" }, frame('{"name":7}'));
      expect([status, message]).toEqual(["3", expect.stringContaining("name")]);
      expect((await ask({ ":path": "/Greeter/Sum" }, Buffer.concat([bob, frame("\xff")]))).status).toBe("3");
    });

    test("one that is cut off is internal, alone or after whole ones", async () => {
      for (const bytes of [bob.subarray(0, 3), bob.subarray(0, 7)])
        expect((await ask({}, bytes)).status).toBe("13");
      const cut = Buffer.concat([bob, bob.subarray(0, 7)]);
      expect((await ask({ ":path": "/Greeter/Sum" }, cut)).status).toBe("13");
      expect((await ask({}, cut)).status).toBe("13");
    });

    test("none or two where one is due are unimplemented", async () => {
      const answers = [await ask({}), await ask({}, Buffer.concat([bob, bob]))];
      expect(answers.map(({ status, message }) => [status, message])).toEqual([
        ["12", "no message where the method takes one"],
        ["12", "a second message where the method takes one"],
      ]);
    });

    test("one that claims to be too large is refused before it is there", async () => {
      const head = Buffer.from([0, 0x7f, 0xff, 0xff, 0xff]);
      expect((await ask({}, head)).status).toBe("8");
    });

    test("streams of both directions are framed one by one", async () => {
      const many = await ask({ ":path": "/Greeter/Many" }, bob);
      expect([many.status, many.body.toString("latin1")]).toEqual([
        "0",
        "\0\0\0\0\x03\n\x01a\0\0\0\0\x03\n\x01b",
      ]);
      const sum = await ask({ ":path": "/Greeter/Sum" }, Buffer.concat([bob, bob]));
      expect(greeting(sum)).toBe("bob+bob");
    });
  });

  describe("headers", () => {
    test("handlers see the caller's own alone", async () => {
      const answer = await ask(
        { "x-foo": "Bar", "grpc-timeout": "5S", timeout: "1000000000", "x-content-type": "application/grpc" },
        hello("metadata"),
      );
      expect(JSON.parse(greeting(answer))).toEqual({ "x-foo": "Bar" });
    });

    test("a binary value that is not base64 is internal, and handlers see those that are", async () => {
      const { status, message } = await ask({ "x-id-bin": "***" }, hello("metadata"));
      expect([status, message]).toEqual(["13", "malformed binary metadata x-id-bin"]);
      const answer = await ask({ "x-id-bin": "YQ==" }, hello("metadata"));
      expect(JSON.parse(greeting(answer))).toEqual({ "x-id-bin": "YQ==" });
    });

    test("the smaller of grpc-timeout and timeout holds", async () => {
      const left = async (headers: IncomingHttpHeaders) =>
        Number(greeting(await ask(headers, hello("deadline"))));
      expect(await left({ "grpc-timeout": "9S", timeout: "5000000000" })).toBeWithin(4000, 5001);
      expect(await left({ "grpc-timeout": "3S", timeout: "5000000000" })).toBeWithin(2000, 3001);
      expect(await left({ timeout: "5000000000" })).toBeWithin(4000, 5001);
      expect(await left({ timeout: "nonsense" })).toBeNaN();
      expect(await left({ "grpc-timeout": "99999999H" })).toBeGreaterThan(3e11);
      expect((await ask({ "grpc-timeout": "5" }, bob)).status).toBe("13");
    });

    test("a deadline is kept for a handler that never answers", async () => {
      for (const headers of [{ "grpc-timeout": "30m" }, { timeout: "30000000" }, { "grpc-timeout": "1n" }])
        expect((await ask(headers, hello("never"))).status).toBe("4");
    });

    test("Go Micro's callers get its error, others their own", async () => {
      const micro = { id: "greeter.Hello", code: 404, detail: 'no "bo%m" <é>#', status: "Not Found" };
      for (const headers of [
        { "x-content-type": "application/grpc+proto" },
        { "micro-from-service": "greeter.client" },
        { "content-type": "application/grpc+proto", timeout: "5000000000" },
      ]) {
        const answer = await ask(headers, hello("boom"));
        expect(answer.status).toBe("5");
        expect(JSON.parse(answer.message ?? "")).toEqual(micro);
        const details = Buffer.from(String(answer.headers["grpc-status-details-bin"]), "base64").toString(
          "latin1",
        );
        expect(details).toContain("type.googleapis.com/errors.Error");
      }
      const other = await ask({}, hello("boom"));
      expect([other.status, other.message]).toEqual(["5", 'no "bo%m" <é>#']);
      expect(
        Buffer.from(String(other.headers["grpc-status-details-bin"]), "base64").toString("latin1"),
      ).toContain("google.rpc.ErrorInfo");
    });

    test("Go Micro's callers can read that a service is unknown", async () => {
      const { status, message } = await ask(
        { ":path": "/Nope/Hello", "x-content-type": "application/grpc+proto" },
        bob,
      );
      expect(status).toBe("12");
      expect(JSON.parse(message ?? "")).toEqual({
        id: "greeter",
        code: 501,
        detail: "unknown service Nope",
        status: "Not Implemented",
      });
    });
  });

  test("ten thousand calls at once are all answered", async () => {
    const sessions = Array.from({ length: 12 }, () => connect(target(server)));
    const calls = Array.from({ length: 10_000 }, (_, i) =>
      ask({}, hello(`${i}`), sessions[i % sessions.length]),
    );
    const answers = await Promise.all(calls);
    expect(answers.filter((answer, i) => greeting(answer) !== `Hello ${i}!`).length).toBe(0);
    for (const one of sessions) one.close();
  }, 30_000);

  function http1(at: Server, request: string): Promise<string> {
    const [host, port] = at.address.split(":");
    const socket = connectTcp(Number(port), host);
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.write(request);
    return new Promise((resolve) => socket.on("close", () => resolve(Buffer.concat(chunks).toString())));
  }
});

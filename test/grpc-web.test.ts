/** gRPC-Web as pages and Connect's clients speak it: over HTTP/1.1 and HTTP/2, on each port that answers HTTP, in text as in bytes. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createFileRegistry, type DescService, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-node";
import { folder, type Running, serve, targets } from "./harness.ts";
import { schema } from "./http-hosts.ts";

const module = `
import { MicrorunError } from "microrun";
export const middleware = [(next) => (call) => {
  if (call.metadata.get("x-token") === "bad") throw new MicrorunError("unauthenticated", "not with this token");
  return next(call);
}];
export default { Greeter: {
  async Hello({ name }, { metadata, header, trailer, deadline, signal }) {
    header.set("x-sent", metadata.get("x-sent") ?? "");
    trailer.set("x-id-bin", metadata.get("x-id-bin") ?? "");
    if (name === "wait") await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    if (name === "nobody")
      throw new MicrorunError("not_found", "kein “Name”", { reason: "NOBODY", details: { name } });
    if (name === "bug") throw new Error("secret");
    return { greeting: \`Hello \${name}\${deadline === undefined ? "" : " in time"}\` };
  },
  Look: ({ name }) => ({ greeting: name }),
  async *Count({ name }) {
    for (let n = 1; n <= 3; n++) yield { greeting: \`\${name} \${n}\` };
    if (name === "late") throw new MicrorunError("data_loss", "no more");
  },
  async Join(names) {
    return { greeting: (await Array.fromAsync(names)).map(({ name }) => name).join(" ") };
  },
} };`;

const proto = `syntax = "proto3"; package greeter;
service Greeter {
  rpc Hello(Name) returns (Greeting);
  rpc Look(Name) returns (Greeting);
  rpc Count(Name) returns (stream Greeting);
  rpc Join(stream Name) returns (Greeting);
}
message Name { string name = 1; }
message Greeting { string greeting = 1; }
`;

const greeter = createFileRegistry({
  $typeName: "google.protobuf.FileDescriptorSet",
  file: schema.files().map(({ bytes }) => fromBinary(FileDescriptorProtoSchema, bytes)),
}).getService("greeter.Greeter") as DescService;

interface Greeting {
  greeting: string;
}

/** What the descriptor, made at run time, cannot tell the type checker. */
interface Greeter {
  hello(request: object, options?: object): Promise<Greeting>;
  count(request: object, options?: object): AsyncIterable<Greeting>;
  join(requests: AsyncIterable<object>): Promise<Greeting>;
}

const page = "https://shop.example";
const flags = ["greeter.mjs", `--cors_origins=${page}`];

/** A message of one short text. */
const message = (text: string): Buffer => Buffer.from([0x0a, text.length, ...Buffer.from(text)]);
const frame = (bytes: Uint8Array, flag = 0): Buffer => Buffer.from([flag, 0, 0, 0, bytes.length, ...bytes]);

describe.each(targets)("$name", (target) => {
  const dir = folder({ "greeter.mjs": module, "greeter.proto": proto });
  let running: Running;
  let apart: Running;
  beforeAll(async () => {
    running = await serve(target, flags, { cwd: dir.path });
    apart = await serve(target, [...flags, "--http_address=127.0.0.1:0"], { cwd: dir.path });
  });
  afterAll(async () => {
    await running[Symbol.asyncDispose]();
    await apart[Symbol.asyncDispose]();
    dir[Symbol.dispose]();
  });
  const one = (): string => `http://${running.address("grpc")}`;
  const own = (): string => `http://${apart.address("http")}`;

  describe.each([
    { name: "HTTP/1.1", httpVersion: "1.1", at: one },
    { name: "HTTP/2", httpVersion: "2", at: one },
    { name: "a port of its own", httpVersion: "1.1", at: own },
  ] as const)("Connect's client over $name", ({ httpVersion, at }) => {
    const client = (useBinaryFormat = true): Greeter =>
      createClient(
        greeter,
        createGrpcWebTransport({ baseUrl: at(), httpVersion, useBinaryFormat }),
      ) as unknown as Greeter;

    test("calls in protobuf and in JSON, and gets metadata of both kinds", async () => {
      for (const binary of [true, false]) {
        const seen: unknown[] = [];
        const reply = await client(binary).hello(
          { name: "John" },
          {
            headers: { "x-sent": "1", "x-id-bin": "AQID" },
            timeoutMs: 10_000,
            onHeader: (headers: Headers) => seen.push(headers.get("x-sent")),
            onTrailer: (trailers: Headers) => seen.push(trailers.get("x-id-bin")),
          },
        );
        expect(reply.greeting).toBe("Hello John in time");
        expect(seen).toEqual(["1", "AQID"]);
      }
      const long = "x".repeat(1_000_000);
      expect((await client().hello({ name: long })).greeting).toBe(`Hello ${long}`);
    });

    test("reads errors with their details, and those of middleware", async () => {
      const failed = async (name: string, options = {}): Promise<ConnectError> =>
        ConnectError.from(
          await client()
            .hello({ name }, options)
            .catch((error) => error),
        );
      const nobody = await failed("nobody");
      expect([nobody.code, nobody.rawMessage]).toEqual([Code.NotFound, "kein “Name”"]);
      const [detail] = nobody.details as { type: string; value: Uint8Array }[];
      expect(detail?.type).toBe("google.rpc.ErrorInfo");
      expect(Buffer.from(detail!.value).toString()).toContain("NOBODY");
      const bug = await failed("bug");
      expect([bug.code, bug.rawMessage]).toEqual([Code.Internal, "internal error"]);
      expect((await failed("John", { headers: { "x-token": "bad" } })).code).toBe(Code.Unauthenticated);
      expect((await failed("wait", { timeoutMs: 100 })).code).toBe(Code.DeadlineExceeded);
    });

    test("streams in either direction", async () => {
      const replies = await Array.fromAsync(client().count({ name: "n" }));
      expect(replies.map(({ greeting }) => greeting)).toEqual(["n 1", "n 2", "n 3"]);
      const got: string[] = [];
      const late = async (): Promise<void> => {
        for await (const { greeting } of client().count({ name: "late" })) got.push(greeting);
      };
      expect(await late().catch(({ code }) => code)).toBe(Code.DataLoss);
      expect(got).toHaveLength(3);
      const names = (async function* () {
        yield { name: "a" };
        yield { name: "b" };
      })();
      expect((await client().join(names)).greeting).toBe("a b");
    });
  });

  test("a page of another origin asks first, calls in base64, and reads the status", async () => {
    for (const at of [one(), own()]) {
      const path = `${at}/greeter.Greeter/Count`;
      const fields = "content-type,grpc-timeout,x-grpc-web,x-user-agent";
      const preflight = await fetch(path, {
        method: "OPTIONS",
        headers: {
          origin: page,
          "access-control-request-method": "POST",
          "access-control-request-headers": fields,
        },
      });
      expect(preflight.status).toBe(204);
      expect(preflight.headers.get("access-control-allow-origin")).toBe(page);
      expect(preflight.headers.get("access-control-allow-headers")).toBe(fields);
      const answer = await fetch(path, {
        method: "POST",
        body: frame(message("late")).toString("base64"),
        headers: {
          origin: page,
          "content-type": "application/grpc-web-text",
          accept: "application/grpc-web-text",
          "x-grpc-web": "1",
          "x-user-agent": "grpc-web-javascript/0.1",
        },
      });
      expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/grpc-web-text"]);
      expect(answer.headers.get("access-control-expose-headers")?.split(", ")).toEqual(
        expect.arrayContaining(["grpc-status", "grpc-message", "grpc-status-details-bin"]),
      );
      const end = Buffer.from("grpc-status: 15\r\ngrpc-message: no more\r\n");
      const frames = [1, 2, 3].map((n) => frame(message(`late ${n}`)));
      expect(await answer.text()).toBe(
        [...frames, frame(end, 0x80)].map((bytes) => bytes.toString("base64")).join(""),
      );
    }
  });

  test("an unknown method is told in the same form", async () => {
    const answer = await fetch(`${one()}/greeter.Greeter/Nope`, {
      method: "POST",
      body: frame(message("x")),
      headers: { "content-type": "application/grpc-web+proto" },
    });
    expect([answer.status, (await answer.text()).slice(5)]).toEqual([
      200,
      "grpc-status: 12\r\ngrpc-message: unknown method Nope for service greeter.Greeter\r\n",
    ]);
  });
});

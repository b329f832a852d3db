/** Our client against the interop server of grpc-go: the cases that clients of gRPC are tried by, on each transport. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Call } from "../src/call.ts";
import { loadSchema, type ProtoSchema } from "../src/grpc/schema/schema.ts";
import { failure, outgoing } from "../src/transport/peer.contract.ts";
import type { Connection } from "../src/transport/transport.ts";
import { makeCertificates } from "./certificate.ts";
import { interopProgram } from "./go-interop.ts";
import { transports } from "./transports.ts";

const server = await interopProgram("server");
const folder = mkdtempSync(join(tmpdir(), "microrun-interop-"));
const certificates = makeCertificates();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Sizes that the cases of gRPC prescribe. */
const [largeRequest, largeReply] = [271_828, 314_159];
const sent = [27_182, 8, 1_828, 45_904];
const asked = [31_415, 9, 2_653, 58_979];

let schema: ProtoSchema;
beforeAll(async () => {
  schema = await loadSchema([join(import.meta.dir, "fixtures/interop/interop.proto")]);
});

interface Payload {
  readonly body: Uint8Array;
}
type Replies = AsyncIterable<{ readonly payload: Payload }>;

const payload = (size: number) => ({ type: "COMPRESSABLE", body: new Uint8Array(size) });
const wish = (size: number) => ({ responseParameters: [{ size }] });

async function sizes(replies: unknown): Promise<number[]> {
  const all: number[] = [];
  for await (const { payload } of replies as Replies) all.push(payload.body.length);
  return all;
}

/** The server's process, and where it listens. */
async function start(options: readonly string[]): Promise<{ address: string; stop: () => void }> {
  const child = Bun.spawn([server!, ...options], { stdout: "pipe", stderr: "inherit" });
  const { value } = await child.stdout.getReader().read();
  return { address: new TextDecoder().decode(value).trim(), stop: () => child.kill() };
}

describe.skipIf(server === undefined).each(transports)("%s", (_, transport) => {
  describe.each(["cleartext", "TLS"])("over %s", (security) => {
    let connection: Connection;
    let stop: () => void;
    beforeAll(async () => {
      const secure = security === "TLS";
      const files = ["tls.crt", "tls.key"].map((name) => join(folder, name));
      for (const [i, text] of [certificates.server.cert, certificates.server.key].entries())
        writeFileSync(files[i]!, text);
      const started = await start(secure ? files : []);
      stop = started.stop;
      connection = transport.connect(started.address, secure ? { tls: { ca: certificates.ca } } : {});
    });
    afterAll(async () => {
      await connection[Symbol.asyncDispose]();
      stop();
    });

    const call = async (
      method: string,
      request: unknown,
      options: Partial<Call> = {},
      service = "grpc.testing.TestService",
    ): Promise<unknown> => {
      const type = schema.services.get(service)!.find(({ name }) => name === method)!;
      return connection.dispatch(outgoing({ service, method, request, type, ...options }));
    };

    test("an empty call, and a large one", async () => {
      expect(await call("EmptyCall", {})).toEqual({});
      const request = { responseSize: largeReply, payload: payload(largeRequest) };
      const reply = (await call("UnaryCall", request)) as { payload: Payload };
      expect(reply.payload.body.length).toBe(largeReply);
    });

    test("streams of requests, of replies, of both in turn, and an empty one", async () => {
      const requests = async function* () {
        for (const size of sent) yield { payload: payload(size) };
      };
      expect(await call("StreamingInputCall", requests())).toEqual({ aggregatedPayloadSize: 74_922 });
      const parameters = asked.map((size) => ({ size }));
      const down = await call("StreamingOutputCall", { responseParameters: parameters });
      expect(await sizes(down)).toEqual(asked);

      // the next is asked for when the last has come
      const seen: number[] = [];
      let came = Promise.withResolvers<void>();
      const inTurn = async function* () {
        for (const [i, size] of asked.entries()) {
          yield { ...wish(size), payload: payload(sent[i]!) };
          await came.promise;
          came = Promise.withResolvers();
        }
      };
      for await (const reply of (await call("FullDuplexCall", inTurn())) as Replies) {
        seen.push(reply.payload.body.length);
        came.resolve();
      }
      expect(seen).toEqual(asked);
      expect(await sizes(await call("FullDuplexCall", (async function* () {})()))).toEqual([]);
    });

    test("a call cancelled at its begin and one after its first reply", async () => {
      const begun = new AbortController();
      const never = async function* () {
        await new Promise(() => {});
      };
      const up = failure(call("StreamingInputCall", never(), { signal: begun.signal }));
      begun.abort();
      expect((await up).code).toBe("cancelled");

      const cancel = new AbortController();
      const once = async function* () {
        yield { ...wish(asked[0]!), payload: payload(sent[0]!) };
        await new Promise(() => {});
      };
      const replies = (await call("FullDuplexCall", once(), { signal: cancel.signal })) as Replies;
      const reader = replies[Symbol.asyncIterator]();
      expect((await reader.next()).value?.payload.body.length).toBe(asked[0]);
      cancel.abort();
      expect((await failure(reader.next())).code).toBe("cancelled");
    });

    test("a deadline that passes while the server waits", async () => {
      const waits = async function* () {
        yield { payload: payload(sent[0]!) };
        await new Promise(() => {});
      };
      const late = call("FullDuplexCall", waits(), { deadline: Date.now() + 20 });
      expect((await failure(late.then(sizes))).code).toBe("deadline_exceeded");
    });

    test("the status that the server was told to give, whatever its text", async () => {
      const special = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";
      for (const message of ["test status message", special]) {
        const request = { responseStatus: { code: 2, message } };
        expect(await failure(call("UnaryCall", request))).toMatchObject({ code: "unknown", message });
        const both = call(
          "FullDuplexCall",
          (async function* () {
            yield request;
          })(),
        );
        expect(await failure(both.then(sizes))).toMatchObject({ code: "unknown", message });
      }
    });

    test("metadata come back at the head and at the end", async () => {
      const [first, last] = ["x-grpc-test-echo-initial", "x-grpc-test-echo-trailing-bin"];
      const binary = Buffer.from([0xab, 0xab, 0xab]).toString("base64");
      const metadata = new Headers({ [first]: "test_initial_metadata_value", [last]: binary });
      const requests = async function* () {
        yield wish(1);
      };
      for (const method of ["UnaryCall", "FullDuplexCall"]) {
        const reply = { header: new Headers(), trailer: new Headers() };
        const request = method === "UnaryCall" ? { responseSize: 1 } : requests();
        const got = await call(method, request, { metadata, reply });
        if (method === "FullDuplexCall") expect(await sizes(got)).toEqual([1]);
        expect(reply.header.get(first)).toBe("test_initial_metadata_value");
        expect(Buffer.from(reply.trailer.get(last) ?? "", "base64")).toEqual(Buffer.from(binary, "base64"));
      }
    });

    test("a method and a service that are not there", async () => {
      for (const service of ["grpc.testing.TestService", "grpc.testing.UnimplementedService"])
        expect((await failure(call("UnimplementedCall", {}, {}, service))).code).toBe("unimplemented");
    });

    test("many large calls, one after the other and all at once", async () => {
      const request = { responseSize: largeReply, payload: payload(largeRequest) };
      const one = async () =>
        ((await call("UnaryCall", request)) as { payload: Payload }).payload.body.length;
      for (let i = 0; i < 10; i++) expect(await one()).toBe(largeReply);
      expect(new Set(await Promise.all(Array.from({ length: 40 }, one)))).toEqual(new Set([largeReply]));
    });
  });
});

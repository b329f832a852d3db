/** What only our own engine does under gRPC: refusals, memory given back, more connections, packed replies, HTTP/1 beside it. */
import { afterAll, describe, expect, test } from "bun:test";
import { type ClientHttp2Session, connect, createServer as createHttp2Server } from "node:http2";
import { createServer } from "node:net";
import { gunzipSync, gzipSync } from "node:zlib";
import type { Call } from "../src/call.ts";
import { MicrorunError } from "../src/errors.ts";
import { openH2Wire } from "../src/grpc/h2/wire.ts";
import { serveGrpc } from "../src/grpc/server.ts";
import { createWeb } from "../src/h1/web.ts";
import { bunSockets } from "../src/h2/bun-sockets.ts";
import { listBytes } from "../src/h2/h2.ts";
import { createLog, silentLog } from "../src/log.ts";
import {
  aborted,
  caller,
  count,
  failure,
  type Message,
  type Messages,
  opener,
  service,
} from "../src/transport/peer.contract.ts";
import { makeCertificates } from "./certificate.ts";
import { decode, encode, frame } from "./grpc-frames.ts";
import { echoServer } from "./h2-echo.ts";
import { ownTransport } from "./transports.ts";

const { transport, engine, faults } = ownTransport();
const open = opener({ transport, address: () => "127.0.0.1:0" });
afterAll(() => expect(faults).toEqual([]));

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test("a server that handles as much as it may refuses more, to be tried elsewhere", async () => {
  let full = false;
  const wire = openH2Wire({ engine, sockets: bunSockets() });
  const options = { address: "127.0.0.1:0", log: silentLog };
  const dispatch = async () => ({ text: "done" });
  await using server = await serveGrpc(
    (how) => wire({ ...how, full: () => full }),
    service,
    dispatch,
    options,
  );
  await using connection = transport.connect(server.address);
  const call = () => caller(connection)("Unary", { text: "" });
  expect(await call()).toMatchObject({ text: "done" });
  full = true;
  expect(await failure(call())).toMatchObject({ code: "unavailable", unsent: true });
  full = false;
  expect(await call()).toMatchObject({ text: "done" });
});

test("nothing is held once calls are over, however they ended", async () => {
  {
    await using peer = await open(
      {
        Unary: async ({ text }: Message, { signal }) => {
          if (text === "never") await aborted(signal);
          return { text };
        },
        Down: () => count(1000, "x".repeat(5000)),
        Up: async (requests: Messages) => {
          for await (const _ of requests) break;
          return { text: "enough" };
        },
        Both: async function* (requests: Messages) {
          for await (const { text } of requests) yield { text };
        },
      },
      { maxMessageBytes: 1_000_000 },
    );
    const large = { text: "y".repeat(900_000) };
    const calls: Promise<unknown>[] = [];
    for (let i = 0; i < 10; i++) {
      calls.push(peer.call("Unary", large));
      calls.push(peer.call("Unary", { text: "never" }, { deadline: Date.now() + 50 }));
      calls.push(peer.call("Unary", { text: "z".repeat(2_000_000) }));
      calls.push(peer.call("Up", count(500, "u".repeat(2000))));
      calls.push(
        (async () => {
          for await (const _ of (await peer.call("Down", { text: "" })) as Messages) break;
        })(),
      );
      calls.push(
        (async () => {
          const replies = (await peer.call("Both", count(50, "b".repeat(20_000)))) as Messages;
          for await (const _ of replies) await wait(0);
        })(),
      );
    }
    const ends = await Promise.allSettled(calls);
    expect(ends.filter(({ status }) => status === "rejected").length).toBe(20);
  }
  // a socket that was cut says so a little later
  for (let i = 0; i < 100 && engine.connections > 0; i++) await wait(10);
  expect([engine.connections, engine.heldBytes]).toEqual([0, 0]);
});

test("header fields beyond what is taken fail the call, in the words of whoever asked", async () => {
  await using peer = await open({ Unary: () => ({ text: "" }) });
  const session = connect(`http://${peer.server.address}`, { maxSendHeaderBlockLength: 1e6 });
  const answers: unknown[] = [];
  for (const type of ["application/grpc", "text/plain"]) {
    const fields = Array.from({ length: 10 }, (_, i) => [`x-${i}`, "v".repeat(12_000)]);
    const head = { ":method": "POST", ":path": "/contract.Kinds/Unary", "content-type": type };
    const stream = session.request({ ...head, ...Object.fromEntries(fields) });
    stream.on("response", (got) => answers.push([got[":status"], got["grpc-status"]]));
    stream.on("error", () => {});
    stream.resume().end();
    await new Promise((resolve) => stream.on("close", resolve));
  }
  expect(answers).toEqual([
    [200, "8"],
    [431, undefined],
  ]);
  session.close();
});

describe("a peer that takes few header fields", () => {
  const maxHeaderListSize = 2000;

  /** One call, and what came of it; the connection stays for the next. */
  const asking = (session: ClientHttp2Session) => async (type: string, path: string) => {
    const head = { ":method": "POST", ":path": path, "content-type": type, te: "trailers" };
    const stream = session.request(head);
    const fields: Record<string, unknown> = {};
    let bytes = 0;
    for (const event of ["response", "trailers"] as const)
      stream.on(event, (got: object, _: number, raw: string[] = []) => {
        Object.assign(fields, got);
        bytes = Math.max(bytes, listBytes(raw));
      });
    stream.on("error", (error) => Object.assign(fields, { error: error.message }));
    stream.resume().end(frame(encode("")));
    await new Promise((resolve) => stream.on("close", resolve));
    return { ...fields, bytes } as Record<string, unknown>;
  };

  test("gets the status at least, and no call of others is lost", async () => {
    const lines: string[] = [];
    const log = createLog({ write: (line) => lines.push(line) });
    const long = "é".repeat(5000);
    let answer: (call: Call) => unknown = () => ({ text: "" });
    await using peer = await open({ Unary: (_: Message, call) => answer(call) }, { log });
    const session = connect(`http://${peer.server.address}`, { settings: { maxHeaderListSize } });
    await new Promise((resolve) => session.once("remoteSettings", resolve));
    const ask = asking(session);
    const call = () => ask("application/grpc", "/contract.Kinds/Unary");

    answer = () => {
      throw new MicrorunError("not_found", long, { details: { key: "v".repeat(900) } });
    };
    const failed = await call();
    expect([failed["grpc-status"], failed["grpc-status-details-bin"]]).toEqual(["5", undefined]);
    expect(failed.bytes).toBeWithin(500, maxHeaderListSize + 1);

    answer = ({ reply }) => {
      reply?.trailer.set("x-large", "v".repeat(3000));
      return { text: "" };
    };
    const done = await call();
    expect([done[":status"], done["grpc-status"], done["x-large"]]).toEqual([200, "0", undefined]);
    expect(lines.join("\n")).toContain("the handler's trailers are not sent");

    answer = ({ reply }) => {
      reply?.header.set("x-large", "v".repeat(3000));
      return { text: "" };
    };
    lines.length = 0;
    const refused = await call();
    expect([refused["grpc-status"], refused["grpc-message"]]).toEqual(["13", "internal error"]);
    expect(lines.join("\n")).toContain("the reply's header has 3");

    answer = () => ({ text: "" });
    expect(await call()).toMatchObject({ ":status": 200, "grpc-status": "0" });
    session.close();
  });

  test("gets no web answer that is too much for it, and others get theirs", async () => {
    const lines: string[] = [];
    const log = createLog({ write: (line) => lines.push(line) });
    const web = createWeb({
      log,
      fetch: async (request) =>
        new Response(
          "body",
          request.url.endsWith("/large") ? { headers: { "x-large": "v".repeat(3000) } } : {},
        ),
    });
    await using server = await transport.listen(service, async () => ({}), {
      address: "127.0.0.1:0",
      web,
      log,
    });
    const session = connect(`http://${server.address}`, { settings: { maxHeaderListSize } });
    await new Promise((resolve) => session.once("remoteSettings", resolve));
    const ask = asking(session);
    const [large, small] = await Promise.all([ask("text/plain", "/large"), ask("text/plain", "/small")]);
    expect([large[":status"], String(large.error)]).toEqual([
      undefined,
      expect.stringContaining("INTERNAL_ERROR"),
    ]);
    expect(small[":status"]).toBe(200);
    expect(lines.join("\n")).toContain("the client takes 2000");
    session.close();
    await web[Symbol.asyncDispose]();
  });

  test("is sent no call with more, and the others go on", async () => {
    let asked = 0;
    const server = createHttp2Server({ settings: { maxHeaderListSize } }, (_, response) => {
      asked++;
      response.writeHead(200, { "content-type": "application/grpc", "grpc-status": "0" }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = `127.0.0.1:${(server.address() as { port: number }).port}`;
    await using connection = transport.connect(address);
    const ask = (bytes: number) =>
      failure(
        caller(connection)("Unary", { text: "" }, { metadata: new Headers({ "x-own": "v".repeat(bytes) }) }),
      );
    for (const bytes of [2000, 100, 2000]) {
      const { code, message, unsent } = await ask(bytes);
      expect([code, unsent, message]).toEqual([
        "internal",
        false,
        bytes === 100
          ? expect.stringContaining("without a message")
          : `${address}: header list size to send violates the maximum size (2000 bytes) set by server`,
      ]);
    }
    expect(asked).toBe(1);
    server.close();
  });
});

test("a deadline that has passed asks nobody", async () => {
  let asked = 0;
  await using peer = await open({
    Unary: () => {
      asked++;
      return { text: "" };
    },
  });
  const error = await failure(peer.call("Unary", { text: "" }, { deadline: Date.now() - 1 }));
  expect([error.code, error.unsent, asked]).toEqual(["deadline_exceeded", true, 0]);
});

test("a caller that packs its messages gets packed replies where it is worth it", async () => {
  await using peer = await open({ Unary: ({ text }: Message) => ({ text: text.repeat(500) }) });
  const session = connect(`http://${peer.server.address}`);
  const ask = (text: string, encoding: string): Promise<{ encoding: unknown; body: Buffer }> => {
    const stream = session.request({
      ":method": "POST",
      ":path": "/contract.Kinds/Unary",
      "content-type": "application/grpc",
      "grpc-encoding": encoding,
    });
    const chunks: Buffer[] = [];
    let encoded: unknown;
    stream.on("response", (head) => {
      encoded = head["grpc-encoding"];
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    const message = encode(text);
    stream.end(encoding === "gzip" ? frame(gzipSync(message), 1) : frame(message));
    return new Promise((resolve) =>
      stream.on("close", () => resolve({ encoding: encoded, body: Buffer.concat(chunks) })),
    );
  };
  const packed = await ask("abcdef", "gzip");
  expect([packed.encoding, packed.body[0]]).toEqual(["gzip", 1]);
  expect(decode(gunzipSync(packed.body.subarray(5)))).toBe("abcdef".repeat(500));
  const small = await ask("", "gzip");
  expect([small.encoding, small.body[0]]).toEqual(["gzip", 0]);
  const plain = await ask("abcdef", "identity");
  expect([plain.encoding, plain.body[0]]).toEqual([undefined, 0]);
  session.close();
});

test("an encoding that cannot be read is answered with those that can, before a message has come", async () => {
  await using peer = await open({ Unary: ({ text }: Message) => ({ text }) });
  const session = connect(`http://${peer.server.address}`);
  const stream = session.request({
    ":method": "POST",
    ":path": "/contract.Kinds/Unary",
    "content-type": "application/grpc",
    "grpc-encoding": "br",
  });
  const head = await new Promise<Record<string, unknown>>((resolve) =>
    stream.on("response", (fields) => resolve({ ...fields })),
  );
  expect(head).toMatchObject({ "grpc-status": "12", "grpc-accept-encoding": "identity,deflate,gzip" });
  session.destroy();
});

test("a peer that takes few streams gets more connections, a bounded number, and every call its turn", async () => {
  let most = 0;
  await using server = await echoServer({
    limits: { maxStreams: 2 },
    accept: (stream) => ({
      data: (_, start, end) => stream.credit(end - start),
      end() {
        most = Math.max(most, server.sessions.size);
        setTimeout(() => {
          stream.send([":status", "200", "content-type", "application/grpc"]);
          stream.write(frame(encode("late")));
          stream.endWith(["grpc-status", "0"]);
        }, 5);
      },
      reset() {},
    }),
  });
  await using connection = transport.connect(server.address);
  const replies = await Promise.all(
    Array.from({ length: 100 }, async (_, i) => {
      await wait(i / 5);
      return caller(connection)("Unary", { text: "" });
    }),
  );
  expect(replies.filter((reply) => (reply as Message).text === "late").length).toBe(100);
  expect(most).toBeWithin(2, 9);
});

test("a peer that accepts and says nothing does not hold a call for long, nor beyond its deadline", async () => {
  const mute = createServer(() => {});
  await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
  const address = `127.0.0.1:${(mute.address() as { port: number }).port}`;
  await using connection = transport.connect(address);
  const call = caller(connection);
  const [late, unanswered] = await Promise.all([
    failure(call("Unary", { text: "" }, { deadline: Date.now() + 50 })),
    failure(call("Unary", { text: "" })),
  ]);
  const told = ({ code, message, unsent }: MicrorunError) => ({ code, message, unsent });
  expect(told(late)).toEqual({
    code: "deadline_exceeded",
    message: `${address}: deadline exceeded`,
    unsent: true,
  });
  expect(told(unanswered)).toEqual({
    code: "unavailable",
    message: `${address}: cannot connect: no answer`,
    unsent: true,
  });
  mute.close();
});

test("a connection that is lost is made again for the next call", async () => {
  const options = { log: silentLog };
  const dispatch = async () => ({ text: "here" });
  const first = await transport.listen(service, dispatch, { ...options, address: "127.0.0.1:0" });
  const { address } = first;
  await using connection = transport.connect(address);
  const call = () => caller(connection)("Unary", { text: "" });
  expect(await call()).toMatchObject({ text: "here" });
  await first[Symbol.asyncDispose]();
  expect(await failure(call())).toMatchObject({ code: "unavailable", unsent: true });
  await using _ = await transport.listen(service, dispatch, { ...options, address });
  await wait(150);
  expect(await call()).toMatchObject({ text: "here" });
});

test("HTTP/1.1 is served on the same port, over TLS too, streamed both ways", async () => {
  const { ca, server: tls } = makeCertificates();
  const seen: string[] = [];
  for (const security of [{}, { tls }]) {
    const web = createWeb({
      log: silentLog,
      fetch: async (request, peer) => {
        seen.push(`${new URL(request.url).protocol} ${peer?.replace(/\d+$/, "N")}`);
        return new Response(request.body);
      },
    });
    const options = { address: "127.0.0.1:0", web, log: silentLog, ...security };
    await using server = await transport.listen(service, async () => ({}), options);
    const url = `${"tls" in security ? "https" : "http"}://${server.address}/`;
    const body = Buffer.alloc(5_000_000, "x");
    for (let i = 0; i < 3; i++) {
      const response = await fetch(url, { method: "POST", body, tls: { ca } });
      expect(Buffer.from(await response.arrayBuffer()).equals(body)).toBe(true);
    }
    await web[Symbol.asyncDispose]();
  }
  expect(seen).toEqual([
    ...Array.from({ length: 3 }, () => "http: 127.0.0.1:N"),
    ...Array.from({ length: 3 }, () => "https: 127.0.0.1:N"),
  ]);
});

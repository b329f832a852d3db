/** The two engines under gRPC as clients: a server does the same to both, and what comes of it is the same. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import type { MicrorunError } from "../src/errors.ts";
import { errorCodes, type Stream } from "../src/h2/h2.ts";
import { fieldValue } from "../src/h2/header-rules.ts";
import { caller, type Message, type Messages } from "../src/transport/peer.contract.ts";
import type { Connection } from "../src/transport/transport.ts";
import { encode, frame } from "./grpc-frames.ts";
import { type EchoServer, echoServer } from "./h2-echo.ts";
import { transports } from "./transports.ts";

const maxMessageBytes = 100_000;

/** What a server may do to a call, by name. */
const scenes: Record<string, (stream: ServerHttp2Stream) => void> = {
  good: (stream) => reply(stream, frame(encode("good"))),
  packed: (stream) => reply(stream, frame(gzipSync(encode("packed")), 1), { "grpc-encoding": "gzip" }),
  two: (stream) => reply(stream, Buffer.concat([frame(encode("a")), frame(encode("b"))])),
  none: (stream) => reply(stream, Buffer.alloc(0)),
  garbage: (stream) => reply(stream, frame(Buffer.from([0xff]))),
  large: (stream) => reply(stream, frame(Buffer.alloc(maxMessageBytes + 1))),
  failed: (stream) =>
    reply(stream, frame(encode("a")), {}, { "grpc-status": "9", "grpc-message": "a%20b%zz%C3%A9" }),
  unknown: (stream) => reply(stream, Buffer.alloc(0), {}, { "grpc-status": "99", "grpc-message": "x" }),
  alone: (stream) =>
    stream.respond({ ...grpcHead, "grpc-status": "5", "grpc-message": "gone" }, { endStream: true }),
  proxy: (stream) => stream.respond({ ":status": 503 }, { endStream: true }),
  missing: (stream) => stream.respond({ ":status": 404, "content-type": "text/html" }, { endStream: true }),
};

const grpcHead = { ":status": 200, "content-type": "application/grpc" };

function reply(
  stream: ServerHttp2Stream,
  body: Buffer,
  head = {},
  trailers: object = { "grpc-status": "0" },
) {
  stream.respond({ ...grpcHead, ...head }, { waitForTrailers: true });
  stream.once("wantTrailers", () => stream.sendTrailers({ ...trailers, "x-tail": "t" }));
  stream.end(body);
}

/** Resets, of streams and of connections, as node:http2 does not make them. */
const endings: Record<string, (stream: Stream, server: EchoServer) => void> = {
  refused: (stream) => stream.reset(errorCodes.refusedStream),
  cancelled: (stream) => stream.reset(errorCodes.cancel),
  calm: (stream) => stream.reset(errorCodes.enhanceYourCalm),
  broken: (stream) => stream.reset(errorCodes.internal),
  half(stream) {
    stream.send([":status", "200", "content-type", "application/grpc"]);
    stream.write(frame(encode("half")));
    stream.reset(errorCodes.internal);
  },
  silent(stream) {
    stream.send([":status", "200", "content-type", "application/grpc"]);
    stream.write(frame(encode("silent")));
    stream.end();
  },
  lost: (_, { sessions }) => {
    for (const session of sessions) void session[Symbol.asyncDispose]();
  },
  leaving(stream, { sessions }) {
    for (const session of sessions) session.drain();
    stream.send([":status", "200", "content-type", "application/grpc"]);
    stream.write(frame(encode("leaving")));
    stream.endWith(["grpc-status", "0", "x-tail", "t"]);
  },
};

const server = createServer();
let abrupt: EchoServer;
const connections: Connection[] = [];
const abruptConnections: Connection[] = [];
beforeAll(async () => {
  server.on("stream", (stream: ServerHttp2Stream, headers) => {
    stream.on("error", () => {});
    stream.resume();
    scenes[String(headers["x-scene"])]?.(stream);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  abrupt = await echoServer({
    accept: (stream, { fields }) => ({
      data: (_, start, end) => stream.credit(end - start),
      end: () => endings[fieldValue(fields, "x-scene")!]?.(stream, abrupt),
      reset() {},
    }),
  });
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const [, transport] of transports) {
    connections.push(transport.connect(address, { maxMessageBytes }));
    abruptConnections.push(transport.connect(abrupt.address, { maxMessageBytes }));
  }
});
afterAll(async () => {
  for (const connection of [...connections, ...abruptConnections]) await connection[Symbol.asyncDispose]();
  server.close();
  await abrupt[Symbol.asyncDispose]();
});

const outcomeOf = async (connection: Connection, method: string, scene: string): Promise<object> => {
  const asked = method === "Up" ? [{ text: "a" }, { text: "b" }] : { text: "a" };
  const reply = { header: new Headers(), trailer: new Headers() };
  const seen: string[] = [];
  try {
    const metadata = new Headers({ "x-scene": scene });
    const got = await caller(connection)(method, asked, { metadata, reply });
    if (method === "Down") for await (const { text } of got as Messages) seen.push(text);
    else seen.push((got as Message).text);
    return { seen, tail: reply.trailer.get("x-tail") };
  } catch (error) {
    const { code, unsent } = error as MicrorunError;
    return { seen, code, unsent };
  }
};

const compare = (scene: string, all: readonly Connection[]): void =>
  test(`see a server's ${scene} in the same way`, async () => {
    for (const method of ["Unary", "Up", "Down"]) {
      const outcomes: object[] = [];
      // one after the other: a lost connection is made again
      for (const connection of all) outcomes.push(await outcomeOf(connection, method, scene));
      expect({ method, ...outcomes[1] }).toEqual({ method, ...outcomes[0] });
    }
  });
for (const scene of Object.keys(scenes)) compare(scene, connections);
for (const scene of Object.keys(endings)) compare(scene, abruptConnections);

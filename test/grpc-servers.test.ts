/** The two engines under gRPC as servers: the same random calls and faults, and the answers are the same. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from "node:http2";
import { gzipSync } from "node:zlib";
import type { Dispatch } from "../src/call.ts";
import { type Code, codes, MicrorunError } from "../src/errors.ts";
import { silentLog } from "../src/log.ts";
import { type Message, type Messages, service } from "../src/transport/peer.contract.ts";
import type { Server } from "../src/transport/transport.ts";
import { decode, encode, frame } from "./grpc-frames.ts";
import { seeded } from "./h2-random.ts";
import { transports } from "./transports.ts";

const maxMessageBytes = 100_000;
const rounds = 300;

interface Random {
  below(n: number): number;
  pick<T>(from: readonly T[]): T;
}

function randomOf(random: () => number): Random {
  const below = (n: number): number => Math.floor(random() * n);
  return { below, pick: (from) => from[below(from.length)]! };
}

function messagesIn(body: Buffer): string[] {
  const texts: string[] = [];
  for (let at = 0; at < body.length; ) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    const bytes = body.subarray(at + 5, end);
    texts.push(decode(body[at] === 1 ? Bun.gunzipSync(Buffer.from(bytes)) : bytes));
    at = end;
  }
  return texts;
}

const fail = (code: string): never => {
  throw new MicrorunError(code as Code, `asked to: ${code}, "ü"%`, {
    reason: "ASKED",
    details: { of: "test" },
  });
};

/** Does what its request says. */
const dispatch: Dispatch = async (call) => {
  call.reply?.trailer.set("x-tail", "t");
  if (call.metadata.has("x-head")) call.reply?.header.set("x-head", call.metadata.get("x-head")!);
  const one = (text: string): Message => {
    if (text.startsWith("fail ")) fail(text.slice(5));
    if (text === "boom") throw new Error("secret");
    return { text: `re ${text}` };
  };
  if (call.method === "Unary") return one((call.request as Message).text);
  if (call.method === "Down") {
    const { text } = call.request as Message;
    return (async function* () {
      for (let i = 0; i < text.length % 7; i++) yield { text: `${i}${text}` };
      yield one(text);
    })();
  }
  const all = call.request as Messages;
  if (call.method === "Up") {
    const texts: string[] = [];
    for await (const { text } of all) texts.push(one(text).text);
    return { text: texts.join() };
  }
  return (async function* () {
    for await (const { text } of all) yield one(text);
  })();
};

function anyText(random: Random): string {
  const kind = random.below(10);
  if (kind === 0) return `fail ${random.pick(Object.keys(codes))}`;
  if (kind === 1) return "boom";
  if (kind === 2) return "x".repeat(random.below(60_000));
  return "é".repeat(random.below(40));
}

interface Asked {
  readonly headers: IncomingHttpHeaders;
  readonly body: readonly Buffer[];
  /** The peers word it themselves: codes are compared alone. */
  readonly isFault: boolean;
}

const faults: readonly ((random: Random) => Partial<Asked> & Pick<Asked, "body">)[] = [
  () => ({ body: [frame(encode("cut off")).subarray(0, 7)] }),
  () => ({ body: [frame(encode("flag"), 2)] }),
  () => ({ body: [frame(gzipSync(encode("unnamed")), 1)] }),
  () => ({ body: [frame(gzipSync(encode("unknown")), 1)], headers: { "grpc-encoding": "br" } }),
  () => ({ body: [frame(encode("no gzip"), 1)], headers: { "grpc-encoding": "gzip" } }),
  () => ({ body: [frame(gzipSync(Buffer.alloc(5e6)), 1)], headers: { "grpc-encoding": "gzip" } }),
  () => ({ body: [frame(Buffer.alloc(0), 0, maxMessageBytes + 1)] }),
  () => ({ body: [frame(Buffer.from([0xff]))] }),
  () => ({ body: [] }),
  () => ({ body: [frame(encode("one")), frame(encode("two"))] }),
  (random) => ({
    body: [frame(encode("x"))],
    headers: { ":path": random.pick(["/Nope/Unary", "/contract.Kinds/Nope", "/x"]) },
  }),
  () => ({ body: [frame(encode("x"))], headers: { "grpc-timeout": "1x" } }),
  () => ({ body: [frame(encode("x"))], headers: { "id-bin": "***" } }),
];

function anyCall(random: Random): Asked {
  const headers: IncomingHttpHeaders = {
    ":method": "POST",
    ":path": `/contract.Kinds/${random.pick(["Unary", "Down", "Up", "Both"])}`,
    "content-type": random.pick(["application/grpc", "application/grpc+proto", "application/grpc+weird"]),
    te: "trailers",
    ...(random.below(3) === 0 ? { "x-head": `h${random.below(9)}` } : {}),
    ...(random.below(4) === 0 ? { "grpc-timeout": "20S" } : {}),
  };
  if (random.below(3) === 0) {
    const fault = random.pick(faults)(random);
    return { body: fault.body, headers: { ...headers, ...fault.headers }, isFault: true };
  }
  const streams = /Up|Both/.test(String(headers[":path"]));
  const texts = Array.from({ length: streams ? random.below(5) : 1 }, () => anyText(random));
  if (random.below(3) > 0) return { headers, body: texts.map((text) => frame(encode(text))), isFault: false };
  return {
    headers: { ...headers, "grpc-encoding": "gzip" },
    body: texts.map((text) => frame(gzipSync(encode(text)), 1)),
    isFault: false,
  };
}

/** What a caller sees of it. */
function answerOf(session: ClientHttp2Session, { headers, body, isFault }: Asked): Promise<object> {
  const { promise, resolve } = Promise.withResolvers<object>();
  const stream = session.request(headers);
  let head: Record<string, unknown> = {};
  let trailers: Record<string, unknown> = {};
  const chunks: Buffer[] = [];
  stream.on("response", (fields) => {
    head = { ...fields };
  });
  stream.on("trailers", (fields) => {
    trailers = { ...fields };
  });
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.on("error", () => {});
  stream.on("close", () => {
    const all: Record<string, unknown> = { ...head, ...trailers };
    const seen = {
      http: all[":status"],
      type: all["content-type"],
      status: all["grpc-status"],
      messages: messagesIn(Buffer.concat(chunks)),
    };
    if (isFault) resolve(seen);
    else
      resolve({
        ...seen,
        alone: head["grpc-status"] !== undefined,
        message: decodeURIComponent(String(all["grpc-message"] ?? "")),
        details: String(all["grpc-status-details-bin"] ?? "").replace(/=+$/, ""),
        tail: all["x-tail"],
        header: all["x-head"],
      });
  });
  for (const part of body) stream.write(part);
  stream.end();
  return promise;
}

const servers: Server[] = [];
const sessions: ClientHttp2Session[] = [];
beforeAll(async () => {
  for (const [, transport] of transports) {
    const options = { address: "127.0.0.1:0", log: silentLog, maxMessageBytes };
    const server = await transport.listen(service, dispatch, options);
    servers.push(server);
    sessions.push(connect(`http://${server.address}`));
  }
});
afterAll(async () => {
  for (const session of sessions) session.destroy();
  for (const server of servers) await server[Symbol.asyncDispose]();
});

test("answer the same calls in the same way, those with faults too", async () => {
  const random = randomOf(seeded(7));
  for (let i = 0; i < rounds; i++) {
    const asked = anyCall(random);
    const [first, second] = await Promise.all(sessions.map((session) => answerOf(session, asked)));
    const what = `${i}: ${JSON.stringify(asked.headers)} ${asked.body.map(({ length }) => length)}`;
    expect({ what, ...second }).toEqual({ what, ...first });
  }
}, 60_000);

/** A service's frames, and our client's, as a strict proxy reads them: all rules are kept, whatever comes of the calls. */
import { describe, expect, test } from "bun:test";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { callBlock, callFrames, framed } from "./attacker.ts";
import { type Frame, setting } from "./h2-wire.ts";
import { serve, targets } from "./harness.ts";
import { encodeRequest, interopArgs, interopCall, interopName, type Reply } from "./interop-service.ts";
import { frame, uint32s } from "./raw-http2.ts";
import { type Recorder, record, recordServer } from "./recorder.ts";
import { ownTransport } from "./transports.ts";

const block = (method: string): Buffer => callBlock(`/${interopName}/${method}`);
const call = (stream: number, method: string, request: unknown): Buffer =>
  callFrames(stream, block(method), encodeRequest(method, request));
const ended = (stream: number) => (frames: readonly Frame[]) =>
  frames.some((one) => one.stream === stream && (one.type === 3 || (one.type < 2 && (one.flags & 1) === 1)));
const storyOf = ({ rules }: Recorder, stream: number): string[] =>
  rules.story.filter((line) => line.split(" ")[1] === String(stream)).map((line) => line.replace(/ \d+/, ""));

describe.each(targets)("$name", (target) => {
  test("replies of all four kinds, and failures, keep the rules", async () => {
    await using running = await serve(target, interopArgs);
    using peer = await recordServer(running.address());
    const sizes = { responseParameters: [{ size: 10 }, { size: 100_000, intervalUs: 2_000 }, { size: 0 }] };
    const failing = { responseStatus: { code: 9, message: "größe" } };

    peer.say(call(1, "EmptyCall", {}));
    peer.say(call(3, "UnaryCall", { responseSize: 50_000 }));
    peer.say(call(5, "StreamingOutputCall", sizes));
    peer.say(frame(8, 0, 5, uint32s(1_000_000)));
    peer.say(frame(1, 4, 7, block("StreamingInputCall")));
    for (let i = 0; i < 60; i++)
      peer.say(
        frame(
          0,
          0,
          7,
          framed(encodeRequest("StreamingInputCall", { payload: { body: Buffer.alloc(10_000) } })),
        ),
      );
    peer.say(frame(0, 1, 7));
    peer.say(frame(1, 4, 9, block("FullDuplexCall")));
    peer.say(frame(0, 0, 9, framed(encodeRequest("FullDuplexCall", sizes))), frame(0, 1, 9));
    peer.say(frame(8, 0, 9, uint32s(1_000_000)));
    peer.say(call(11, "UnaryCall", failing));
    peer.say(call(13, "UnimplementedCall", {}));
    peer.say(frame(1, 5, 15, block("NoSuchCall")));
    peer.say(frame(1, 4, 17, block("UnaryCall")), frame(0, 1, 17, Buffer.from("garbage, no message")));
    peer.say(frame(1, 4, 19, block("NoSuchCall")), frame(0, 0, 19, Buffer.alloc(1_000)));
    peer.say(call(21, "StreamingOutputCall", failing));
    for (let stream = 1; stream <= 21; stream += 2) await peer.heard(`the end of ${stream}`, ended(stream));
    await peer.settled();
    expect(peer.rules.faults).toEqual([]);
    expect(storyOf(peer, 1)).toEqual(["HEADERS", "DATA", "HEADERS END"]);
    // what fails at once says so in one frame
    const atOnce = [11, 13, 15, 17, 21];
    expect(atOnce.map((stream) => storyOf(peer, stream))).toEqual(atOnce.map(() => ["HEADERS END"]));
    // and its caller, who has not ended, need not go on
    expect(storyOf(peer, 19)).toEqual(["HEADERS END", "RST_STREAM"]);
    const [first = []] = peer.rules.heads.get(11) ?? [];
    expect(first.slice(0, 4)).toEqual([":status", "200", "content-type", "application/grpc"]);
  });

  test("nothing is said on streams that were given up, and a drain is in two steps", async () => {
    await using running = await serve(target, interopArgs);
    using peer = await recordServer(running.address(), setting(4, 30_000));
    const endless = {
      responseParameters: Array.from({ length: 1_000 }, () => ({ size: 5_000, intervalUs: 100 })),
    };
    const streams = [1, 3, 5, 7];
    for (const stream of streams) peer.say(call(stream, "StreamingOutputCall", endless));
    await peer.heard("DATA", (frames) => frames.filter(({ type }) => type === 0).length > 8);
    for (const stream of streams) peer.say(frame(3, 0, stream, uint32s(8)));
    // until it has heard of it, it may go on
    const before = peer.rules.faults.length;
    await peer.settled();
    expect(
      peer.rules.faults.slice(before).every((fault) => fault.startsWith("a frame after RST_STREAM")),
    ).toBe(true);
    const known = peer.rules.faults.length;
    await Bun.sleep(50);
    peer.say(call(9, "EmptyCall", {}));
    await peer.heard("an answer", ended(9));

    peer.say(call(11, "StreamingOutputCall", { responseParameters: [{ size: 1, intervalUs: 300_000 }] }));
    await peer.settled();
    running.signal("SIGTERM");
    await peer.heard("the end", ended(11));
    await peer.heard("the connection's end", () => peer.closed);
    expect(peer.rules.faults.slice(known)).toEqual([]);
    const goAways = peer.frames.filter(({ type }) => type === 7).map(({ payload }) => payload);
    expect(goAways.map((payload) => [payload.readUInt32BE(0), payload.readUInt32BE(4)])).toEqual([
      [0x7f_ff_ff_ff, 0],
      [11, 0],
    ]);
    expect(await running.exited).toBe(0);
  });
});

test("our client's calls of all four kinds, and those it gives up, keep the rules", async () => {
  const recorders: Recorder[] = [];
  const head = Buffer.concat([Buffer.from([0x88, 0x5f, 16]), Buffer.from("application/grpc")]);
  const good = Buffer.concat([Buffer.from([0, 11]), Buffer.from("grpc-status"), Buffer.from([1, 48])]);
  /** Answers each call whose end it hears with an empty message, and lets it send a little at a time. */
  const answer = ({ type, stream, flags, payload }: Frame, peer: Recorder): void => {
    if (type === 0 && payload.length > 0) peer.say(frame(8, 0, stream, uint32s(payload.length)));
    if (type > 1 || (flags & 1) === 0) return;
    peer.say(frame(1, 4, stream, head), frame(0, 0, stream, Buffer.alloc(5)), frame(1, 5, stream, good));
  };
  const server = createServer((socket) => {
    const recorder = record(socket, "client", answer);
    recorders.push(recorder);
    recorder.say(frame(4, 0, 0, setting(4, 20_000)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { transport } = ownTransport();
  const connection = transport.connect(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  const payload = { body: Buffer.alloc(150_000) };
  async function* requests() {
    for (let i = 0; i < 3; i++) yield { payload };
  }
  async function* never() {
    yield { payload: { body: Buffer.alloc(10) } };
    await new Promise(() => {});
  }
  for (let round = 0; round < 3; round++) {
    await Promise.all([
      interopCall(connection, "EmptyCall"),
      interopCall(connection, "UnaryCall", { payload }),
      interopCall(connection, "StreamingInputCall", requests()),
      interopCall<AsyncIterable<Reply>>(connection, "StreamingOutputCall").then((all) =>
        Array.fromAsync(all),
      ),
      interopCall<AsyncIterable<Reply>>(connection, "FullDuplexCall", requests()).then((all) =>
        Array.fromAsync(all),
      ),
      interopCall(connection, "StreamingInputCall", never(), { deadline: Date.now() + 30 }).catch(() => {}),
      interopCall(connection, "StreamingInputCall", never(), { signal: AbortSignal.timeout(20) }).catch(
        () => {},
      ),
    ]);
  }
  const [peer] = recorders;
  await peer!.settled();
  await connection[Symbol.asyncDispose]();
  await peer!.heard("the connection's end", () => peer!.closed);
  expect(recorders.length).toBe(1);
  expect(peer!.rules.faults).toEqual([]);
  expect(peer!.rules.story.filter((line) => line.startsWith("RST_STREAM")).length).toBe(6);
  server.close();
});

import { describe, expect, test } from "bun:test";
import {
  hearing,
  join,
  rawPeer,
  requestBlock,
  requestFields,
  requestFrame,
  setting,
  settle,
} from "../../test/h2-wire.ts";
import { frame, uint32s } from "../../test/raw-http2.ts";
import { http2Engine } from "./engine.ts";
import { type Accept, errorCodes, type Stream, type StreamListener } from "./h2.ts";

const silent: StreamListener = { data() {}, end() {}, reset() {} };
const never: Accept = () => silent;

/** Frames a peer may repeat for as long as it likes; `n` counts them. */
const floods: Record<string, (n: number) => Buffer> = {
  PING: () => frame(6, 0, 0, Buffer.alloc(8)),
  SETTINGS: () => frame(4, 0, 0),
  "SETTINGS that resize the table": (n) => frame(4, 0, 0, setting(1, n % 2 === 0 ? 0 : 4096)),
  "SETTINGS acknowledgements": () => frame(4, 1, 0),
  PRIORITY: () => frame(2, 0, 1, Buffer.concat([uint32s(5), Buffer.from([1])])),
  "frames of no known type": () => frame(99, 0, 0, Buffer.alloc(10)),
  "WINDOW_UPDATE of the connection": () => frame(8, 0, 0, uint32s(1)),
  "empty DATA": (n) => (n === 0 ? requestFrame(1, false) : frame(0, 0, 1)),
  "DATA of one byte": (n) => (n === 0 ? requestFrame(1, false) : frame(0, 0, 1, Buffer.from("x"))),
  "DATA of nothing but padding": (n) =>
    n === 0 ? requestFrame(1, false) : frame(0, 8, 1, Buffer.concat([Buffer.from([100]), Buffer.alloc(100)])),
  "requests given up at once": (n) =>
    Buffer.concat([requestFrame(2 * n + 1), frame(3, 0, 2 * n + 1, uint32s(errorCodes.cancel))]),
  "mistakes that make us reset": (n) =>
    Buffer.concat([requestFrame(2 * n + 1), frame(8, 0, 2 * n + 1, uint32s(0))]),
  "requests that are malformed": (n) => frame(1, 5, 2 * n + 1, Buffer.from("82", "hex")),
  "requests beyond the limit": (n) => requestFrame(2 * n + 1, false),
  "DATA for streams that are gone": (n) =>
    n === 0
      ? Buffer.concat([requestFrame(1), frame(3, 0, 1, uint32s(8))])
      : frame(0, 0, 1, Buffer.from("late")),
  "CONTINUATION without end": (n) =>
    frame(n === 0 ? 1 : 9, 0, 1, n === 0 ? requestBlock : Buffer.alloc(100, 0x82)),
  "empty CONTINUATION": (n) => frame(n === 0 ? 1 : 9, 0, 1, n === 0 ? requestBlock : Buffer.alloc(0)),
  "header lists beyond the bound": (n) => {
    const value = Buffer.alloc(3_900, "v");
    const insert = Buffer.concat([Buffer.from([0x40, 1, 0x61, 0x7f, 0xbd, 0x1d]), value]);
    const block = Buffer.concat([requestBlock, insert, Buffer.alloc(10_000, 0xbe)]);
    return frame(1, 5, 2 * n + 1, block);
  },
};

/** As many frames as no peer sends that means well. */
const many = 60_000;

describe("a flood of", () => {
  for (const [name, next] of Object.entries(floods)) {
    test(`${name} is cut, and holds nothing`, async () => {
      const { session, engine, goAway, say } = await rawPeer(never);
      let said = 0;
      let isClosed = false;
      void session.closed.then(() => {
        isClosed = true;
      });
      while (!isClosed && said < many) {
        for (let i = 0; i < 500 && said < many; i++) session.receive(next(said++));
        await Promise.resolve();
      }
      await say();
      expect([isClosed, goAway()]).toEqual([true, errorCodes.enhanceYourCalm]);
      expect(engine.heldBytes).toBe(0);
    });
  }

  test("PINGs from a peer that does not read leaves no more than the bound", async () => {
    const { session, end, engine } = await rawPeer(never, { limits: { maxUnsentBytes: 5_000 } });
    end.full = true;
    for (let i = 0; i < 400; i++) session.receive(frame(6, 0, 0, Buffer.alloc(8)));
    expect(end.terminated).toBe(true);
    expect((await session.closed).reason).toBe("the peer does not read");
    await settle();
    expect(engine.heldBytes).toBe(0);
  });
});

describe("the memory of a process", () => {
  const maxMemoryBytes = 4_000_000;

  test("is bounded against peers with closed windows, and others are served meanwhile", async () => {
    const engine = http2Engine({ maxMemoryBytes });
    const answer = Buffer.alloc(100_000);
    const large: Accept = (stream) => {
      stream.send([":status", "200"]);
      stream.write(answer);
      stream.end();
      return silent;
    };
    const settings = frame(4, 0, 0, setting(4, 0));
    let most = 0;
    let refused = 0;
    for (let peer = 0; peer < 20; peer++) {
      const { say } = await rawPeer(large, { shared: engine, settings });
      const requests = Array.from({ length: 100 }, (_, n) => requestFrame(2 * n + 1));
      const answers = await say(Buffer.concat(requests));
      refused += answers.filter(({ type }) => type === 3).length;
      most = Math.max(most, engine.heldBytes);
    }
    expect(most).toBeLessThanOrEqual(maxMemoryBytes);
    expect(refused).toBeGreaterThan(0);

    const { say } = await rawPeer(large, { shared: engine });
    const answers = await say(requestFrame(1));
    expect(answers[0]?.type).toBe(1);
  });

  test("is bounded against bodies that are sent and never finished", async () => {
    const engine = http2Engine({ maxMemoryBytes });
    // credits what comes, as one does who collects a message, and releases none of it
    const collect: Accept = (stream) => ({
      ...silent,
      data: (_, start, end) => stream.credit(end - start),
    });
    const sessions = [];
    let most = 0;
    for (let peer = 0; peer < 10; peer++) {
      const { session, say } = await rawPeer(collect, { shared: engine });
      sessions.push(session);
      for (let n = 0; n < 50; n++) {
        await Promise.resolve();
        session.receive(requestFrame(2 * n + 1, false));
        for (let i = 0; i < 4; i++) session.receive(frame(0, 0, 2 * n + 1, Buffer.alloc(16_384)));
      }
      await say();
      most = Math.max(most, engine.heldBytes);
    }
    expect(most).toBeGreaterThan(maxMemoryBytes / 4);
    expect(most).toBeLessThanOrEqual(maxMemoryBytes);
    for (const session of sessions) session.gone();
    expect([engine.heldBytes, engine.connections]).toEqual([0, 0]);
  });

  test("is used by the heads of requests that are large, as long as they last", async () => {
    const { engine, say } = await rawPeer(never);
    const large = Buffer.concat([
      requestBlock,
      Buffer.from("000178", "hex"),
      Buffer.from([0x7f, 0xa1, 0x4d]),
    ]);
    for (let n = 0; n < 10; n++)
      await say(frame(1, 5, 2 * n + 1, Buffer.concat([large, Buffer.alloc(10_016, "v")])));
    expect(engine.heldBytes).toBeWithin(100_000, 110_000);
    for (let n = 0; n < 10; n++) await say(frame(3, 0, 2 * n + 1, uint32s(8)));
    expect(engine.heldBytes).toBe(0);
  });

  test("is given back by every stream and every connection that ends", async () => {
    const streams: Stream[] = [];
    const { client, server, engine, toClient } = join((stream) => {
      streams.push(stream);
      return hearing(() => stream, true);
    });
    for (let i = 0; i < 10; i++) {
      const stream = client.request(hearing(), requestFields);
      stream.write(Buffer.alloc(50_000));
    }
    await settle();
    expect(engine.heldBytes).toBe(500_000);
    for (const stream of streams.slice(0, 5)) stream.release(50_000);
    expect(engine.heldBytes).toBe(250_000);
    for (const stream of streams) stream.reset(errorCodes.cancel);
    await settle();
    expect(engine.heldBytes).toBe(0);
    server.gone();
    client.gone();
    expect([engine.connections, toClient.terminated]).toEqual([0, false]);
  });
});

test("a connection too many is closed at once", async () => {
  const engine = http2Engine({ maxConnections: 1 });
  await rawPeer(never, { shared: engine });
  const { end } = await rawPeer(never, { shared: engine }).catch(() => ({ end: undefined }));
  expect([end, engine.connections]).toEqual([undefined, 1]);
});

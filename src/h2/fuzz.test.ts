/** Damaged bytes, cut anywhere: nothing is thrown, nothing of ours is at fault, nothing stays behind. */
import { expect, test } from "bun:test";
import { damaged, randomFields, seeded } from "../../test/h2-random.ts";
import { faults, hearing, join, requestFields, settle, wireEnd } from "../../test/h2-wire.ts";
import { http2Engine } from "./engine.ts";
import { type Accept, errorCodes, type Stream } from "./h2.ts";

const echo: Accept = (stream) => {
  stream.send([":status", "200"]);
  return {
    data(bytes, start, end) {
      stream.write(Buffer.from(bytes.subarray(start, end)));
      stream.credit(end - start);
      stream.release(end - start);
    },
    end: () => stream.endWith(["x-end", "yes"]),
    reset() {},
  };
};

/** What both sides say in a conversation of some requests. */
async function conversation(): Promise<{ asked: Buffer; answered: Buffer }> {
  const random = seeded(1);
  const said = { asked: [] as Buffer[], answered: [] as Buffer[] };
  const { client, toServer, toClient } = join(echo);
  // both have greeted each other before we listened
  await settle();
  for (const [end, parts] of [
    [toServer, said.asked],
    [toClient, said.answered],
  ] as const) {
    const { write } = end;
    end.write = (bytes, offset, length) => {
      parts.push(Buffer.from(bytes.subarray(offset, offset + length)));
      return write(bytes, offset, length);
    };
  }
  const streams = Array.from({ length: 12 }, (_, i) => {
    const heard = hearing((): Stream => stream);
    const stream: Stream = client.request(heard, requestFields, randomFields(random));
    stream.write(Buffer.alloc(i * 10, "body"));
    return stream;
  });
  await settle();
  for (const [i, stream] of streams.entries()) i % 3 === 0 ? stream.reset(errorCodes.cancel) : stream.end();
  await settle();
  return { asked: Buffer.concat(said.asked), answered: Buffer.concat(said.answered) };
}

const greeting = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  Buffer.from("000000040000000000", "hex"),
]);
const settings = Buffer.from("000000040000000000000000040100000000", "hex");

/** How many damaged conversations each role gets. */
const rounds = 1_500;

test("a server survives whatever a client says", async () => {
  const { asked } = await conversation();
  const random = seeded(2);
  faults.length = 0;
  const engine = http2Engine({ fault: (error) => faults.push(error) });
  const outcomes = new Set<string>();
  for (let round = 0; round < rounds; round++) {
    const end = wireEnd();
    const session = engine.serve(end, echo)!;
    const bytes = Buffer.concat([greeting, damaged(asked, random)]);
    for (let at = 0; at < bytes.length; ) {
      const next = Math.min(bytes.length, at + 1 + Math.floor(random() * (random() < 0.5 ? 5 : 500)));
      session.receive(Buffer.from(bytes.subarray(at, next)));
      at = next;
    }
    await Promise.resolve();
    session.gone();
    outcomes.add((await session.closed).reason);
  }
  expect(faults).toEqual([]);
  expect([engine.heldBytes, engine.connections]).toEqual([0, 0]);
  expect(outcomes.size).toBeGreaterThan(10);
});

test("a client survives whatever a server says", async () => {
  const { answered } = await conversation();
  const random = seeded(3);
  faults.length = 0;
  const engine = http2Engine({ fault: (error) => faults.push(error) });
  const outcomes = new Set<string>();
  for (let round = 0; round < rounds; round++) {
    const session = engine.connect(wireEnd());
    session.receive(Buffer.from(settings));
    const heard = Array.from({ length: 12 }, () => hearing());
    for (const listener of heard) session.request(listener, requestFields);
    const bytes = damaged(answered, random);
    for (let at = 0; at < bytes.length; ) {
      const next = Math.min(bytes.length, at + 1 + Math.floor(random() * 100));
      session.receive(Buffer.from(bytes.subarray(at, next)));
      at = next;
    }
    session.gone();
    outcomes.add((await session.closed).reason);
    // our side of each is open, so that each ends by a reset, once
    for (const listener of heard) expect(listener.ending()).toBeDefined();
  }
  expect(faults).toEqual([]);
  expect([engine.heldBytes, engine.connections]).toEqual([0, 0]);
  expect(outcomes.size).toBeGreaterThan(5);
});

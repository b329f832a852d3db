/** A connection has its turn like any other: of many requests that come at once, it is known what the first ones cost before the last are taken. */
import { expect, test } from "bun:test";
import { rawPeer, requestFrame, setting, settle } from "../../test/h2-wire.ts";
import { frame } from "../../test/raw-http2.ts";
import type { Accept } from "./h2.ts";

const silent = { data() {}, end() {}, reset() {} };
const requests = (from: number, count: number): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, i) => requestFrame(2 * (from + i) + 1)));

test("requests in one piece are taken a part in each turn, in order", async () => {
  const seen: number[] = [];
  const { session } = await rawPeer((stream) => {
    seen.push(stream.id);
    stream.endWith([":status", "204"]);
    return silent;
  });
  session.receive(requests(0, 200));
  expect(seen.length).toBeWithin(1, 100);
  await settle();
  expect(seen).toEqual(Array.from({ length: 200 }, (_, i) => 2 * i + 1));
});

test("what comes before they are taken waits, and no more is read", async () => {
  const seen: number[] = [];
  const { session, end } = await rawPeer((stream) => {
    seen.push(stream.id);
    return silent;
  });
  const said: string[] = [];
  Object.assign(end, { pause: () => said.push("pause"), resume: () => said.push("resume") });
  session.receive(requests(0, 100));
  session.receive(requests(100, 100));
  session.receive(requests(200, 20));
  expect(said).toEqual(["pause"]);
  await settle();
  expect(said).toEqual(["pause", "resume"]);
  expect(seen).toEqual(Array.from({ length: 220 }, (_, i) => 2 * i + 1));
});

test("a mistake among what waits is one in its turn", async () => {
  const { session, goAway, say } = await rawPeer(() => silent);
  session.receive(Buffer.concat([requests(0, 100), frame(0, 0, 0), requests(100, 1)]));
  expect(session.open).toBeLessThan(100);
  await say();
  expect([session.open, goAway()]).toEqual([0, 1]);
});

const bytes = Buffer.alloc(100_000);
const large: Accept = (stream) => {
  queueMicrotask(() => {
    stream.send([":status", "200"]);
    stream.write(bytes);
    stream.end();
  });
  return silent;
};

test("a peer with closed windows that asks for everything at once is refused the most of it", async () => {
  const options = { settings: frame(4, 0, 0, setting(4, 0)), limits: { maxQueuedBytes: 1_000_000 } };
  const { session, say, engine } = await rawPeer(large, options);
  const answers = await say(requests(0, 250));
  expect(answers.filter(({ type }) => type === 3).length).toBe(250 - session.open);
  expect(engine.heldBytes).toBeLessThan(10_000_000);
});

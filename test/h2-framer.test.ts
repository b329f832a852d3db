/** Frames and header blocks against the Framer of golang.org/x/net as the oracle: whatever we take, it takes for the same. */
import { expect, test } from "bun:test";
import { entrySize } from "../src/h2/header-table.ts";
import { hpackEncoder } from "../src/h2/hpack-encoder.ts";
import { interopProgram } from "./go-interop.ts";
import { damaged, randomFields, seeded } from "./h2-random.ts";
import { rawPeer } from "./h2-wire.ts";
import { frame, uint32s } from "./raw-http2.ts";

const framer = await interopProgram("framer");

/** A frame as the oracle has it; see test/tools/interop/framer. */
interface Seen {
  readonly type: string;
  readonly stream: number;
  readonly fields?: readonly string[];
  readonly fault?: "stream" | "connection";
  readonly why?: string;
}

/** What comes of a conversation: header lists by stream, one after the other, and whether it was cut. */
interface Outcome {
  readonly heads: Record<number, string[][]>;
  readonly cut: boolean;
  /** Streams reset for a mistake, where we are asked. */
  readonly resets: number;
  readonly why?: string | undefined;
}

const settings = frame(4, 0, 0);
const greeting = [settings, frame(4, 1, 0)];
const pseudo = [":method", "POST", ":scheme", "http", ":path", "/", ":authority", "a"];

type Encoder = ReturnType<typeof hpackEncoder>;

function encoded(encoder: Encoder, fields: readonly string[], lasting: boolean): Buffer {
  const bytes = Buffer.alloc(16 + fields.reduce((sum, text) => sum + entrySize(text, ""), 0));
  let at = encoder.begin(bytes, 0);
  for (let i = 0; i < fields.length; i += 2)
    at = encoder.field(bytes, at, fields[i]!, fields[i + 1]!, lasting);
  return bytes.subarray(0, at);
}

/** A block in one frame or several, padded and with a priority or not. */
function headFrames(stream: number, block: Buffer, ends: boolean, random: () => number): Buffer[] {
  const priority = random() < 0.3 ? Buffer.concat([uint32s(0), Buffer.from([random() * 256])]) : undefined;
  const padding = random() < 0.3 ? Math.floor(random() * 50) : undefined;
  const cut = random() < 0.5 ? block.length : Math.floor(random() * block.length);
  const isWhole = cut === block.length;
  const flags =
    (ends ? 1 : 0) | (isWhole ? 4 : 0) | (padding === undefined ? 0 : 8) | (priority === undefined ? 0 : 32);
  const payload = Buffer.concat([
    ...(padding === undefined ? [] : [Buffer.from([padding])]),
    ...(priority === undefined ? [] : [priority]),
    block.subarray(0, cut),
    Buffer.alloc(padding ?? 0),
  ]);
  const first = frame(1, flags, stream, payload);
  if (isWhole) return [first];
  const next = cut + Math.floor(random() * (block.length - cut));
  return [first, frame(9, 0, stream, block.subarray(cut, next)), frame(9, 4, stream, block.subarray(next))];
}

/** What a client may say between its requests. */
const asides: readonly ((random: () => number) => Buffer)[] = [
  () => settings,
  (random) => frame(4, 0, 0, Buffer.concat([Buffer.from([0, 3]), uint32s(random() * 2 ** 32)])),
  (random) => frame(6, 0, 0, Buffer.alloc(8, random() * 256)),
  (random) => frame(8, 0, 0, uint32s(1 + random() * 1_000)),
  (random) => frame(2, 0, 1 + 2 * Math.floor(random() * 20), Buffer.from([0, 0, 0, 0, 9])),
  () => frame(200, 0, 0, Buffer.from("unknown")),
];

/** Requests with bodies and trailers, some given up. */
function conversation(random: () => number): Buffer[] {
  const encoder = hpackEncoder(random() < 0.5);
  const frames: Buffer[] = [];
  for (let stream = 1; stream < 12; stream += 2) {
    const fields = [...pseudo, ...randomFields(random)];
    const bodiless = random() < 0.2;
    frames.push(...headFrames(stream, encoded(encoder, fields, random() < 0.5), bodiless, random));
    if (random() < 0.5) frames.push(asides[Math.floor(random() * asides.length)]!(random));
    if (bodiless) continue;
    const padding = random() < 0.3 ? Math.floor(random() * 20) : 0;
    const body = Buffer.concat([Buffer.from([padding]), Buffer.alloc(random() * 100), Buffer.alloc(padding)]);
    const isLast = random() < 0.5;
    frames.push(frame(0, 8 | (isLast ? 1 : 0), stream, body));
    if (random() < 0.2) frames.push(frame(8, 0, stream, uint32s(1 + random() * 1_000)));
    if (isLast) continue;
    if (random() < 0.3) frames.push(frame(3, 0, stream, uint32s(8)));
    else frames.push(...headFrames(stream, encoded(encoder, randomFields(random), false), true, random));
  }
  return frames;
}

/** Damaged anywhere, or within one frame whose length is right. */
function harmed(frames: readonly Buffer[], random: () => number): Buffer {
  if (random() < 0.5) return damaged(Buffer.concat(frames), random);
  const victim = Math.floor(random() * frames.length);
  return Buffer.concat(
    frames.map((one, i) => {
      if (i !== victim || one.length === 9) return one;
      return frame(one[3]!, one[4]!, one.readUInt32BE(5), damaged(one.subarray(9), random));
    }),
  );
}

const add = (heads: Outcome["heads"], stream: number, fields: readonly string[]): void => {
  heads[stream] ??= [];
  heads[stream].push([...fields]);
};

async function ours(said: Buffer): Promise<Outcome> {
  const heads: Outcome["heads"] = {};
  const peer = await rawPeer((stream, { fields }) => {
    add(heads, stream.id, fields);
    return {
      data(_, start, end) {
        stream.credit(end - start);
        stream.release(end - start);
      },
      trailers: (block) => add(heads, stream.id, block.fields),
      end: () => stream.endWith([":status", "204"]),
      reset() {},
    };
  });
  let why: string | undefined;
  void peer.session.closed.then(({ reason }) => {
    why = reason;
  });
  const answers = await peer.say(said);
  const resets = answers.filter(({ type, payload }) => type === 3 && payload.readUInt32BE(0) === 1).length;
  return { heads, cut: peer.goAway() !== undefined, resets, why };
}

async function theirs(conversations: readonly Buffer[]): Promise<Outcome[]> {
  const child = Bun.spawn([framer!], { stdin: "pipe", stdout: "pipe" });
  for (const said of conversations) {
    const whole = Buffer.concat([...greeting, said]);
    child.stdin.write(Buffer.concat([uint32s(whole.length), whole]));
  }
  void child.stdin.end();
  const lines = (await new Response(child.stdout).text()).trimEnd().split("\n");
  return lines.map((line) => {
    const heads: Outcome["heads"] = {};
    let why: string | undefined;
    for (const seen of JSON.parse(line) as Seen[]) {
      if (seen.fault === "connection") why = seen.why;
      if (seen.fields !== undefined) add(heads, seen.stream, seen.fields);
    }
    return { heads, cut: why !== undefined, resets: 0, why };
  });
}

/** Where the oracle gives up a connection and RFC 9113 asks for a stream alone. */
function isExcused({ why = "" }: Outcome, resets: number): boolean {
  // §6.3: a stream error
  if (why.includes("PRIORITY frame payload size")) return true;
  // §8.1.1: a stream error, for which it has no words when CONTINUATION follows the malformed field
  return why.endsWith("PROTOCOL_ERROR: <nil>") && resets > 0;
}

/** Of what we took, whatever the oracle did not, or took for something else. */
function strange({ heads }: Outcome, oracle: Outcome): string[] {
  return Object.entries(heads).flatMap(([stream, lists]) => {
    // lists that we refused may stand between
    const known = oracle.heads[Number(stream)] ?? [];
    const unknown = lists.filter((list) => !known.some((other) => Bun.deepEquals(list, other)));
    return unknown.map((list) => `${stream}: ${list.join(" ")}`);
  });
}

test.skipIf(framer === undefined)("the Framer of x/net reads all conversations as we do", async () => {
  const random = seeded(21);
  const conversations = Array.from({ length: 300 }, () => Buffer.concat(conversation(random)));
  const oracle = await theirs(conversations);
  for (const [i, said] of conversations.entries()) {
    const { heads, cut } = await ours(said);
    expect([heads, cut]).toEqual([oracle[i]!.heads, false]);
    expect(oracle[i]!.cut).toBe(false);
  }
});

test.skipIf(framer === undefined)(
  "what we take of a damaged conversation, it takes for the same",
  async () => {
    const random = seeded(22);
    const conversations = Array.from({ length: 2_000 }, () => harmed(conversation(random), random));
    const oracle = await theirs(conversations);
    const differing: object[] = [];
    let [taken, excused, agreed] = [0, 0, 0];
    for (const [i, said] of conversations.entries()) {
      const own = await ours(said);
      const other = oracle[i]!;
      if (!own.cut) taken += 1;
      if (own.cut === other.cut) agreed += 1;
      const heads = strange(own, other);
      if (heads.length === 0 && (own.cut || !other.cut)) continue;
      if (isExcused(other, own.resets)) excused += 1;
      else differing.push({ heads, ours: own.why, theirs: other.why, said: said.toString("hex") });
    }
    expect(differing).toEqual([]);
    // it knows nothing of the states of streams, so that we refuse more
    expect(agreed).toBeGreaterThan(conversations.length * 0.7);
    expect(taken).toBeWithin(conversations.length * 0.2, conversations.length * 0.8);
    expect(excused).toBeLessThan(conversations.length * 0.03);
  },
);

/** HPACK and header rules against node:http2 as the oracle: same lists in, same outcome for damaged ones. */
import { expect, test } from "bun:test";
import { once } from "node:events";
import { createServer, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, connect } from "node:net";
import { entrySize } from "../src/h2/header-table.ts";
import { hpackEncoder } from "../src/h2/hpack-encoder.ts";
import { damaged, randomFields, seeded } from "./h2-random.ts";
import { prefaceText, rawPeer } from "./h2-wire.ts";
import { frame } from "./raw-http2.ts";

/** What an engine makes of a request: its own fields, or that it wants none of it. */
type Outcome = readonly string[] | "connection error" | "stream error";

/** What came of a connection's last block, and what it was. */
interface Difference {
  readonly ours: Outcome;
  readonly theirs: Outcome;
  readonly block: string;
}

const pseudo = [":method", "GET", ":scheme", "http", ":path", "/", ":authority", "a"];

function encoded(
  encoder: ReturnType<typeof hpackEncoder>,
  fields: readonly string[],
  lasting: boolean,
): Buffer {
  const bytes = Buffer.alloc(16 + fields.reduce((sum, text) => sum + entrySize(text, ""), 0));
  let at = encoder.begin(bytes, 0);
  for (let i = 0; i < fields.length; i += 2)
    at = encoder.field(bytes, at, fields[i]!, fields[i + 1]!, lasting);
  return bytes.subarray(0, at);
}

/** The blocks of one connection, of which the last may be damaged. */
function blocksOf(random: () => number, damage: boolean): Buffer[] {
  const encoder = hpackEncoder(random() < 0.5);
  return Array.from({ length: 6 }, (_, i) => {
    const head = encoded(encoder, pseudo, true);
    const own = encoded(encoder, randomFields(random), random() < 0.5);
    return Buffer.concat([head, damage && i === 5 ? damaged(own, random) : own]);
  });
}

const conversation = (blocks: readonly Buffer[]): Buffer[] => [
  ...blocks.map((block, i) => frame(1, 5, 2 * i + 1, block)),
];

/** Header names that Node joins or drops in its own way. */
const own = (fields: readonly string[]): string[] =>
  fields.flatMap((text, i) => (i % 2 === 0 && !text.startsWith(":") ? [text, fields[i + 1]!] : []));

async function ours(blocks: readonly Buffer[]): Promise<Outcome[]> {
  const heard = new Map<number, string[]>();
  const peer = await rawPeer((stream, { fields }) => {
    heard.set(stream.id, own(fields));
    stream.endWith([":status", "204"]);
    return { data() {}, end() {}, reset() {} };
  });
  await peer.say(...conversation(blocks));
  const isCut = peer.goAway() !== undefined;
  return blocks.map((_, i) => heard.get(2 * i + 1) ?? (isCut ? "connection error" : "stream error"));
}

async function theirs(
  port: number,
  heard: Map<string, string[]>,
  blocks: readonly Buffer[],
): Promise<Outcome[]> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  await once(socket, "connect");
  const from = socket.localPort;
  let bytes = Buffer.alloc(0);
  let isCut = false;
  const answered = Promise.withResolvers<void>();
  socket.on("close", () => answered.resolve());
  socket.on("data", (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= 9 && bytes.length >= 9 + bytes.readUIntBE(0, 3)) {
      const type = bytes[3];
      if (type === 7) isCut = true;
      // the answer to the PING behind all requests
      if (type === 7 || (type === 6 && bytes[4] === 1)) answered.resolve();
      bytes = bytes.subarray(9 + bytes.readUIntBE(0, 3));
    }
  });
  socket.write(
    Buffer.concat([prefaceText, frame(4, 0, 0), ...conversation(blocks), frame(6, 0, 0, Buffer.alloc(8))]),
  );
  await answered.promise;
  socket.destroy();
  return blocks.map(
    (_, i) => heard.get(`${from} ${2 * i + 1}`) ?? (isCut ? "connection error" : "stream error"),
  );
}

async function compare(
  rounds: number,
  seed: number,
  damage: boolean,
): Promise<{ same: number; differing: Difference[] }> {
  const heard = new Map<string, string[]>();
  const server = createServer();
  server.on("stream", (stream: ServerHttp2Stream, _headers, _flags, rawHeaders: string[]) => {
    heard.set(`${stream.session?.socket.remotePort} ${stream.id}`, own(rawHeaders));
    stream.on("error", () => {});
    stream.respond({ ":status": 204 }, { endStream: true });
  });
  server.on("sessionError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const random = seeded(seed);
  let same = 0;
  const differing: Difference[] = [];
  for (let round = 0; round < rounds; round++) {
    const blocks = blocksOf(random, damage);
    const [we, they] = [await ours(blocks), await theirs(port, heard, blocks)];
    if (Bun.deepEquals(we, they)) same += 1;
    else differing.push({ ours: we.at(-1)!, theirs: they.at(-1)!, block: blocks.at(-1)!.toString("hex") });
  }
  server.close();
  return { same, differing };
}

test("node:http2 reads what our encoder writes, and so do we", async () => {
  expect(await compare(100, 11, false)).toEqual({ same: 100, differing: [] });
});

test("a damaged header block that we take, node:http2 takes for the same; we take no other", async () => {
  const rounds = 400;
  const { same, differing } = await compare(rounds, 12, true);
  // Bun's engine lets a block end within its last field, and leaves out values that HTTP/2 forbids
  expect(differing.filter(({ ours }) => typeof ours !== "string")).toEqual([]);
  expect(same).toBeGreaterThan(rounds * 0.9);
});

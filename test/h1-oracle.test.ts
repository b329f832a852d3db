/** Our HTTP/1.1 reader against Node's (llhttp): what ours takes, the other must take the same way, whatever is done to it. */
import { expect, test } from "bun:test";
import { connect } from "node:net";
import { serveWithSockets } from "../src/h1/serve.ts";
import { bunSockets } from "../src/h2/bun-sockets.ts";

const node = Bun.which("node");

const oracle = `
const server = require("node:http").createServer((request, response) => {
  let body = "";
  request.setEncoding("latin1").on("data", (text) => (body += text)).on("end", () => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ method: request.method, host: request.headers.host, body }));
  });
});
// else an error of a later request would cut off the answers to those before it
server.on("clientError", (_, socket) => setTimeout(() => socket.destroy(), 30));
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
`;

const seeds = [
  "GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
  "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;a=b\r\nde\r\n0\r\nT: u\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: x\r\nX: a, b\r\nConnection: keep-alive\r\n\r\nGET /2 HTTP/1.1\r\nHost: y\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\naPOST / HTTP/1.1\r\nHost: y\r\nContent-Length: 2\r\n\r\nbc",
  "GET / HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n",
];
const morsels = [
  ...["\r\n", "\n", "\r", " ", "\t", ":", ";", ",", "\0", "\x0b", "\x80", "0", "1", "a", "\r\n ", "\r\n\r\n"],
  ...["Content-Length: 3\r\n", "Content-Length: 0\r\n", "Transfer-Encoding: chunked\r\n", "Host: z\r\n"],
  ...["Transfer-Encoding: gzip, chunked\r\n", "Connection: close\r\n", "chunked", "HTTP/1.1", "0\r\n\r\n"],
];

/** A tab after a length, which RFC 9110 §5.5 lets be; a GET is answered before its body, which Node waits for, has come. */
const known = /Content-Length:[^\r]*\t\r\n|^GET[\s\S]*chunked\r\n/;

/** Mulberry32: the same numbers each time. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

function mutated(pick: (below: number) => number): string {
  let text = seeds[pick(seeds.length)]!;
  for (let n = 1 + pick(3); n > 0; n--) {
    const at = pick(text.length + 1);
    const morsel = morsels[pick(morsels.length)]!;
    // put in, put over, or cut out
    const kept = [0, morsel.length, -1][pick(3)]!;
    text =
      kept < 0
        ? text.slice(0, at) + text.slice(at + 1 + pick(4))
        : text.slice(0, at) + morsel + text.slice(at + kept);
  }
  return text;
}

/** What was answered with 200, in order. */
async function answers(port: number, text: string): Promise<string[]> {
  const socket = connect(port, "127.0.0.1");
  let said = "";
  socket.on("data", (bytes) => (said += bytes.toString("latin1")));
  socket.on("error", () => {});
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  socket.write(Buffer.from(text, "latin1"));
  const timer = setTimeout(() => socket.end(), 60);
  const last = setTimeout(() => socket.destroy(), 400);
  await closed;
  clearTimeout(timer);
  clearTimeout(last);
  return [
    ...said.matchAll(/HTTP\/1\.1 200 OK\r\n.*?\r\n\r\n(?:[\da-f]+\r\n)?(\{.*?\})(?=\r\n|HTTP|$)/gs),
  ].map(([, body]) => body!);
}

test.skipIf(node === null)(
  "requests that were tampered with are taken as Node takes them, or not at all",
  async () => {
    await using child = Bun.spawn([node!, "-e", oracle], { stdout: "pipe" });
    const lines = child.stdout.getReader();
    const port = Number(new TextDecoder().decode((await lines.read()).value));
    const server = await serveWithSockets(bunSockets(), { headTimeoutMs: 200 })({
      address: "127.0.0.1:0",
      fetch: async (request) => {
        const body = Buffer.from(await request.arrayBuffer()).toString("latin1");
        return Response.json({
          method: request.method,
          host: request.headers.get("host") ?? undefined,
          body,
        });
      },
    });
    const ours = Number(server.address.split(":").at(-1));
    const pick = random(7);
    const differing: unknown[] = [];
    let taken = 0;
    const one = async (text: string): Promise<void> => {
      const [own, nodes] = await Promise.all([answers(ours, text), answers(port, text)]);
      taken += own.length;
      for (const [index, answer] of own.entries())
        if (answer !== nodes[index] && !known.test(text)) differing.push({ text, own, nodes });
    };
    for (let n = 0; n < 40; n++) await Promise.all(Array.from({ length: 30 }, () => one(mutated(pick))));
    expect(differing).toEqual([]);
    expect(taken).toBeGreaterThan(200);
    server.kill();
  },
);

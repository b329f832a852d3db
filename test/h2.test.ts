/** The HTTP/2 engine over real sockets: conformance, other engines at the other end, TLS, drain. */
import { afterAll, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import {
  type ClientHttp2Session,
  connect,
  createServer,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import { type AddressInfo, connect as connectRaw } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bunSockets } from "../src/h2/bun-sockets.ts";
import { http2Engine } from "../src/h2/engine.ts";
import type { ClientSession, Fields, SocketTls, Stream } from "../src/h2/h2.ts";
import type { Limits } from "../src/h2/limits.ts";
import { nodeSockets } from "../src/h2/node-sockets.ts";
import { makeCertificates } from "./certificate.ts";
import { echoServer } from "./h2-echo.ts";
import { goProgram } from "./h2-spec.ts";
import { type Heard, hearing } from "./h2-wire.ts";

const sockets = { bun: bunSockets(), node: nodeSockets() } as const;
const certificates = makeCertificates();
const folder = mkdtempSync(join(tmpdir(), "microrun-h2-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Longest time that an answer on this machine may take. */
const patienceMs = 10_000;

async function until(what: string, done: () => boolean): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!done()) {
    if (performance.now() > end) throw new Error(`${what}: not within ${patienceMs} ms`);
    await Bun.sleep(2);
  }
}

const spec = await goProgram("h2spec");
const nethttp = await goProgram("nethttp");

describe("h2spec", () => {
  test.skipIf(spec === undefined).each([
    ["TCP", undefined, []],
    ["TLS", certificates.server, ["-t", "-k"]],
  ] as const)("passes all of its 145 cases over %s", async (_, tls, options) => {
    await using server = await echoServer({ ...(tls === undefined ? {} : { tls }) });
    const port = server.address.split(":").at(-1)!;
    const command = [spec!, "-h", "127.0.0.1", "-p", port, "--timeout", "5", ...options];
    const suite = Bun.spawn(command, { stdout: "pipe", timeout: 50_000 });
    const said = await new Response(suite.stdout).text();
    const [, failures = ""] = said.split("Failures:");
    expect(`${failures}${/\d+ tests, .*/.exec(said)?.[0]}`).toBe(
      "145 tests, 145 passed, 0 skipped, 0 failed",
    );
  });
});

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly trailers: Record<string, unknown>;
}

async function ask(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body?: Buffer,
): Promise<Answer> {
  const stream = session.request(headers, { endStream: body === undefined });
  let status = 0;
  let trailers = {};
  stream.on("response", (head) => {
    status = Number(head[":status"]);
  });
  stream.on("trailers", (fields) => {
    trailers = { ...fields };
  });
  if (body !== undefined) stream.end(body);
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return { status, body: Buffer.concat(parts).toString("latin1"), trailers };
}

describe("a client of node:http2", () => {
  test("is answered, many streams at a time, large bodies too", async () => {
    await using server = await echoServer();
    const session = connect(`http://${server.address}`);
    const body = Buffer.alloc(300_000, "abcdefghij");
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        ask(
          session,
          { ":method": "POST", ":path": "/echo", "x-number": String(i) },
          body.subarray(0, i * 6_000),
        ),
      ),
    );
    for (const [i, answer] of answers.entries()) {
      expect([answer.status, answer.trailers["x-end"]]).toEqual([200, "yes"]);
      expect(answer.body === body.toString("latin1", 0, i * 6_000)).toBe(true);
    }
    session.close();
    await until("the end of the connection", () => server.engine.connections === 0);
    expect(server.engine.heldBytes).toBe(0);
  });

  test("is asked to leave by a drain, without losing the calls under way", async () => {
    await using server = await echoServer();
    const session = connect(`http://${server.address}`);
    const stream = session.request({ ":method": "POST", ":path": "/echo" });
    stream.write("before ");
    await once(stream, "response");
    for (const served of server.sessions) served.drain();
    await once(session, "goaway");
    stream.end("after");
    const parts: Buffer[] = [];
    for await (const part of stream) parts.push(part as Buffer);
    expect(Buffer.concat(parts).toString()).toBe("before after");
    await until("the end of the connection", () => server.sessions.size === 0);
  });
});

const request = (path: string, authority = "test"): Fields => [
  ...[":method", "POST", ":scheme", "http", ":path", path, ":authority", authority],
];

async function dial(
  address: string,
  {
    tls,
    limits,
    by = sockets.bun,
  }: { tls?: SocketTls; limits?: Partial<Limits>; by?: typeof sockets.bun } = {},
): Promise<{ engine: ReturnType<typeof http2Engine>; session: ClientSession; protocol: string | undefined }> {
  const engine = http2Engine();
  let protocol: string | undefined;
  const session = await by.connect({
    address,
    tls,
    open(socket) {
      protocol = socket.protocol;
      return engine.connect(socket, limits);
    },
  });
  return { engine, session, protocol };
}

function call(session: ClientSession, path: string, body = ""): Heard {
  const heard = hearing(() => stream);
  const stream: Stream = session.request(heard, request(path));
  if (body !== "") stream.write(Buffer.from(body));
  stream.end();
  return heard;
}

describe("a server of node:http2", () => {
  test("answers our client, many streams at a time, large bodies too", async () => {
    const server = createServer({ settings: { maxConcurrentStreams: 10 } });
    server.on("stream", (stream: ServerHttp2Stream) => {
      stream.on("wantTrailers", () => stream.sendTrailers({ "x-end": "yes" }));
      stream.respond({ ":status": 200 }, { waitForTrailers: true });
      stream.pipe(stream);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { engine, session } = await dial(`127.0.0.1:${(server.address() as AddressInfo).port}`);
    await session.settled;
    const body = "0123456789".repeat(20_000);
    const calls = Array.from({ length: 40 }, (_, i) => call(session, "/", body.slice(0, (i + 1) * 5_000)));
    expect([session.open, session.waiting]).toEqual([10, 30]);
    await until("the answers", () => calls.every(({ ended }) => ended()));
    for (const [i, heard] of calls.entries()) {
      expect(heard.body() === body.slice(0, (i + 1) * 5_000)).toBe(true);
      expect(heard.trailer()?.fields).toEqual(["x-end", "yes"]);
    }
    await engine[Symbol.asyncDispose]();
    server.close();
  });
});

describe.skipIf(nethttp === undefined)("Go's net/http", () => {
  test("has its calls answered as a client, many at a time", async () => {
    await using server = await echoServer();
    const client = Bun.spawn([nethttp!, "client", `http://${server.address}/echo`, "300"], {
      stdout: "pipe",
      stderr: "pipe",
    });
    const [said, failed] = await Promise.all([
      new Response(client.stdout).text(),
      new Response(client.stderr).text(),
    ]);
    expect([said, failed]).toEqual(["300 echoed\n", ""]);
  });

  test("answers ours as a server, many at a time", async () => {
    const server = Bun.spawn([nethttp!, "server"], { stdout: "pipe" });
    const { value } = await server.stdout.getReader().read();
    const { engine, session } = await dial(new TextDecoder().decode(value).trim());
    await session.settled;
    const body = "0123456789".repeat(30_000);
    const calls = Array.from({ length: 300 }, (_, i) => call(session, "/", body.slice(0, (i + 1) * 1_000)));
    await until("the answers", () => calls.every(({ ended }) => ended()));
    for (const [i, heard] of calls.entries()) {
      expect(heard.body() === body.slice(0, (i + 1) * 1_000)).toBe(true);
      expect(heard.trailer()?.fields).toEqual(["x-end", "yes"]);
    }
    await engine[Symbol.asyncDispose]();
    server.kill();
  });
});

describe.each(["bun", "node"] as const)("over sockets of %s", (name) => {
  const by = sockets[name];

  test("both roles talk, over TCP and over a unix socket", async () => {
    for (const address of ["127.0.0.1:0", `unix:${join(folder, `${name}.sock`)}`]) {
      await using server = await echoServer({ address, sockets: by });
      const { engine, session } = await dial(server.address, { by });
      const heard = call(session, "/echo", "hello ".repeat(50_000));
      await until("the answer", () => heard.ended());
      expect(heard.body() === "hello ".repeat(50_000)).toBe(true);
      await engine[Symbol.asyncDispose]();
    }
  });

  test("TLS agrees on h2, and a server of another authority is not trusted", async () => {
    const { ca } = certificates;
    await using server = await echoServer({ tls: certificates.server, sockets: by });
    const { engine, session, protocol } = await dial(server.address, { tls: { ca }, by });
    expect(protocol).toBe("h2");
    const heard = call(session, "/bytes/300000");
    await until("the answer", () => heard.ended());
    expect(heard.body().length).toBe(300_000);
    await engine[Symbol.asyncDispose]();

    const other = makeCertificates().ca;
    expect(await dial(server.address, { tls: { ca: other }, by }).catch(() => "refused")).toBe("refused");
    const named = dial(server.address, { tls: { ca, serverName: "elsewhere.test" }, by });
    expect(await named.catch(() => "refused")).toBe("refused");
  });

  test("mutual TLS takes the client that its authority signed, and no other", async () => {
    const { ca, client } = certificates;
    await using server = await echoServer({ tls: { ...certificates.server, ca }, sockets: by });
    const { engine, session } = await dial(server.address, { tls: { ca, ...client }, by });
    const heard = call(session, "/");
    await until("the answer", () => heard.ended());
    await engine[Symbol.asyncDispose]();
    for (const tls of [{ ca }, { ca, ...makeCertificates().client }]) {
      const outcome = await dial(server.address, { tls, by })
        .then(({ session }) => session.settled)
        .then(() => "served")
        .catch(() => "refused");
      expect(outcome).toBe("refused");
    }
  });

  test("a peer that reads slowly gets everything, and the server holds little of it", async () => {
    await using server = await echoServer({ sockets: by });
    const { engine, session } = await dial(server.address, { by, limits: { streamWindowBytes: 100_000 } });
    let received = 0;
    let ended = false;
    const stream = session.request(
      {
        data(_, start, end) {
          received += end - start;
          setTimeout(() => stream.credit(end - start), 1);
          stream.release(end - start);
        },
        end() {
          ended = true;
        },
        reset() {},
      },
      request("/bytes/5000000"),
      undefined,
      true,
    );
    await until("the body", () => ended);
    expect(received).toBe(5_000_000);
    await engine[Symbol.asyncDispose]();
  });

  test("a connection that is lost tells every stream", async () => {
    await using server = await echoServer({ sockets: by });
    const { session } = await dial(server.address, { by });
    const calls = [call(session, "/never"), call(session, "/never")];
    await until("the requests", () => [...server.sessions].some(({ open }) => open === 2));
    await server.engine[Symbol.asyncDispose]();
    await until("the end", () => calls.every(({ ending }) => ending() !== undefined));
    expect(calls.map(({ ending }) => ending()?.unsent)).toEqual([false, false]);
    expect(session.usable).toBe(false);
  });
});

const deno = join(import.meta.dir, "../node_modules/.bin/deno");

test.skipIf(!existsSync(deno) && !process.env.CI)("both roles talk under Deno, and drain", async () => {
  const driver = Bun.spawn([deno, "run", "-A", "--quiet", join(import.meta.dir, "h2-driver.ts")], {
    stdout: "pipe",
    timeout: 30_000,
  });
  expect(await new Response(driver.stdout).text()).toBe("10 whole, drained, 0 bytes held\n");
});

test("a connection refused is the system's error", async () => {
  for (const by of Object.values(sockets))
    expect(await dial("127.0.0.1:1", { by }).catch((error) => error.code)).toBe("ECONNREFUSED");
});

test("garbage instead of a preface is answered with GOAWAY and the end", async () => {
  await using server = await echoServer();
  const socket = connectRaw(Number(server.address.split(":")[1]), "127.0.0.1");
  const parts: Buffer[] = [];
  socket.on("data", (bytes: Buffer) => parts.push(bytes));
  socket.write("GET / HTTP/1.1\r\n\r\n");
  await once(socket, "close");
  expect(Buffer.concat(parts).includes(Buffer.from("preface"))).toBe(true);
});

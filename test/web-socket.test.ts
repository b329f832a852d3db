/** WebSockets on real sockets, on the one port and on a port of their own: a client of Bun's, and `ws`. */
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Fetch } from "../src/call.ts";
import type { WebSocketHandler } from "../src/web-socket.ts";
import { serve, targets } from "./harness.ts";
import { greeterFetch, type Host, hosts, raw } from "./http-hosts.ts";

const upgrade: Fetch = (request, _peer, _stop, upgrade) => {
  const { pathname } = new URL(request.url);
  if (pathname === "/plain") return new Response("a page");
  const upgraded = upgrade?.({ data: pathname, headers: { "x-from": "fetch" } });
  return upgraded ? new Response(null) : new Response("no websocket", { status: 426 });
};

const open = (host: Host, websocket: WebSocketHandler, more: { drainTimeoutMs?: number } = {}) =>
  host.open({ fetch: greeterFetch({ fetch: upgrade }), websocket, ...more });

const echo: WebSocketHandler = { message: (socket, message) => void socket.send(message) };

function client(address: string, path = "/chat", protocols: string[] = []) {
  const socket = new WebSocket(`ws://${address}${path}`, protocols);
  socket.binaryType = "arraybuffer";
  const messages: unknown[] = [];
  let wake = (): void => {};
  socket.onmessage = ({ data }) => {
    messages.push(data);
    wake();
  };
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.onclose = ({ code, reason }) => resolve({ code, reason });
  });
  const opened = new Promise<void>((resolve, reject) => {
    socket.onopen = () => resolve();
    socket.onerror = () => reject(new Error("no websocket"));
  });
  const next = async (): Promise<unknown> => {
    while (messages.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    return messages.shift();
  };
  return { socket, opened, closed, next };
}

const key = "dGhlIHNhbXBsZSBub25jZQ==";
const handshake = (more = ""): string =>
  `GET /chat HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: keep-alive, Upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${key}\r\n${more}\r\n`;

/** A client's frame, masked. */
function frame(first: number, payload: Buffer | string): string {
  const bytes = Buffer.from(payload);
  const mask = [1, 2, 3, 4];
  const head = [first, 0x80 | (bytes.length < 126 ? bytes.length : 126)];
  if (bytes.length >= 126) head.push(bytes.length >> 8, bytes.length & 0xff);
  return Buffer.from([...head, ...mask, ...bytes.map((byte, i) => byte ^ mask[i & 3]!)]).toString("latin1");
}

describe.each(hosts)("$name", (host) => {
  test("texts and bytes of every size come back as they were sent", async () => {
    await using server = await open(host, echo, { drainTimeoutMs: 50 });
    const { socket, opened, next } = client(server.address);
    await opened;
    for (const size of [0, 1, 125, 126, 65_535, 65_536, 1_000_000]) {
      const bytes = crypto.getRandomValues(new Uint8Array(Math.min(size, 65_536)));
      const sent = new Uint8Array(size).map((_, i) => bytes[i % bytes.length]!);
      socket.send(sent);
      expect(Buffer.from((await next()) as ArrayBuffer).equals(Buffer.from(sent))).toBe(true);
      const text = "ä".repeat(size);
      socket.send(text);
      expect(await next()).toBe(text);
    }
    socket.close();
  });

  test("the module hears of everything, with what it gave to the upgrade", async () => {
    const heard: unknown[] = [];
    const closed = Promise.withResolvers<void>();
    await using server = await open(
      host,
      {
        open: (socket) => void heard.push("open", socket.data, socket.readyState, socket.remoteAddress),
        message: (_, message) => void heard.push(message),
        close(socket, code, reason) {
          heard.push(code, reason, socket.readyState);
          closed.resolve();
        },
      },
      { drainTimeoutMs: 50 },
    );
    const { socket, opened } = client(server.address, "/room?x=1");
    await opened;
    socket.send("hello");
    socket.close(4001, "enough");
    await closed.promise;
    expect(heard).toEqual(["open", "/room", 1, "127.0.0.1", "hello", 4001, "enough", 3]);
  });

  test("the module closes with its own code, and the client is told", async () => {
    await using server = await open(
      host,
      { message: (socket) => socket.close(4002, "go away") },
      { drainTimeoutMs: 50 },
    );
    const { socket, opened, closed } = client(server.address);
    await opened;
    socket.send("x");
    expect(await closed).toEqual({ code: 4002, reason: "go away" });
  });

  test("a stop tells clients that the server goes away", async () => {
    const server = await open(host, echo);
    const { opened, closed } = client(server.address);
    await opened;
    const begin = performance.now();
    await server[Symbol.asyncDispose]();
    expect((await closed).code).toBe(1001);
    expect(performance.now() - begin).toBeLessThan(2000);
  });

  test("topics reach those who have subscribed, not the sender, and not those who left", async () => {
    const handler: WebSocketHandler = {
      open: (socket) => socket.subscribe("room"),
      message(socket, message) {
        if (message === "leave") socket.unsubscribe("room");
        else socket.publish("room", message);
        socket.send(`sent ${socket.isSubscribed("room")}`);
      },
    };
    await using server = await open(host, handler, { drainTimeoutMs: 50 });
    const [one, two, three] = [client(server.address), client(server.address), client(server.address)];
    await Promise.all([one.opened, two.opened, three.opened]);
    three.socket.send("leave");
    expect(await three.next()).toBe("sent false");
    one.socket.send("hello");
    expect(await two.next()).toBe("hello");
    expect(await one.next()).toBe("sent true");
    for (const { socket } of [one, two, three]) socket.close();
  });

  test("the handshake is answered as the RFC has it, with the module's own fields", async () => {
    await using server = await open(host, echo, { drainTimeoutMs: 50 });
    const asked = await raw(server.address, handshake("sec-websocket-protocol: chat, other\r\n"));
    await asked.until("\r\n\r\n");
    expect(asked.text()).toMatch(/^HTTP\/1.1 101 Switching Protocols\r\n/);
    const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    expect(asked.text().toLowerCase()).toContain(`sec-websocket-accept: ${accept}`.toLowerCase());
    expect(asked.text()).toMatch(/x-from: fetch\r\n/i);
    expect(asked.text()).toMatch(/sec-websocket-protocol: chat\r\n/i);
    asked.socket.destroy();
  });

  test("a request that asks for no websocket is the module's, and cannot be upgraded", async () => {
    await using server = await open(host, echo);
    const url = `http://${server.address}`;
    expect(await (await fetch(`${url}/plain`)).text()).toBe("a page");
    expect((await fetch(`${url}/chat`)).status).toBe(426);
  });
});

describe.each(hosts.slice(0, 2))("$name", (host) => {
  const talk = async (bytes: string, until = "") => {
    const server = await open(host, { ...echo, maxPayloadLength: 1000 }, { drainTimeoutMs: 50 });
    const asked = await raw(server.address, handshake() + bytes);
    await (until === "" ? asked.closed : asked.until(until));
    asked.socket.destroy();
    await server[Symbol.asyncDispose]();
    return Buffer.from(asked.text().slice(asked.text().indexOf("\r\n\r\n") + 4), "latin1");
  };
  const closedWith = async (bytes: string): Promise<number> => {
    const answer = await talk(bytes);
    expect(answer[0]).toBe(0x88);
    return answer.readUInt16BE(2);
  };

  test("frames that come with the handshake, in pieces and between fragments, are heard", async () => {
    const bytes = frame(0x01, "he") + frame(0x89, "ping") + frame(0x00, "l") + frame(0x80, "lo");
    const answer = await talk(bytes, "hello");
    expect(answer).toEqual(Buffer.from("\x8a\x04ping\x81\x05hello", "latin1"));
  });

  test("what the RFC forbids ends the connection with the code that it names", async () => {
    expect(await closedWith("\x81\x01x")).toBe(1002);
    expect(await closedWith(frame(0xc1, "x"))).toBe(1002);
    expect(await closedWith(frame(0x83, "x"))).toBe(1002);
    expect(await closedWith(frame(0x80, "x"))).toBe(1002);
    expect(await closedWith(frame(0x01, "x") + frame(0x81, "y"))).toBe(1002);
    expect(await closedWith(frame(0x09, "x"))).toBe(1002);
    expect(await closedWith(frame(0x89, "x".repeat(126)))).toBe(1002);
    expect(await closedWith(frame(0x88, "\x03"))).toBe(1002);
    expect(await closedWith(frame(0x88, Buffer.from([0x03, 0xed])))).toBe(1002);
    expect(await closedWith(frame(0x81, Buffer.from([0xff])))).toBe(1007);
    expect(await closedWith(frame(0x82, "x".repeat(1001)))).toBe(1009);
    expect(await closedWith(frame(0x02, "x".repeat(600)) + frame(0x80, "x".repeat(600)))).toBe(1009);
    expect(await closedWith(frame(0x88, Buffer.from([0x03, 0xe8])))).toBe(1000);
  });

  test("a handshake that lacks something is no websocket", async () => {
    for (const [from, to] of [
      ["sec-websocket-version: 13", "sec-websocket-version: 8"],
      [key, "short"],
      ["connection: keep-alive, Upgrade", "connection: keep-alive"],
      ["GET ", "POST "],
    ] as const) {
      await using server = await open(host, echo, { drainTimeoutMs: 50 });
      const asked = await raw(server.address, handshake().replace(from, to));
      await asked.until("no websocket");
      expect(asked.text()).toStartWith("HTTP/1.1 426");
      asked.socket.destroy();
    }
  });

  test("a client that does not read is told of by drain, and what is too much is dropped", async () => {
    const sent: number[] = [];
    const drained = Promise.withResolvers<void>();
    const handler: WebSocketHandler = {
      backpressureLimit: 20_000_000,
      message(socket) {
        for (let n = 0; n < 30; n++) sent.push(socket.send(new Uint8Array(1_000_000)));
      },
      drain: () => drained.resolve(),
    };
    await using server = await open(host, handler, { drainTimeoutMs: 50 });
    const asked = await raw(server.address, handshake());
    await asked.until("\r\n\r\n");
    asked.socket.pause();
    asked.socket.write(frame(0x81, "go"), "latin1");
    for (const stop = Date.now() + 3000; sent.length < 30 && Date.now() < stop; ) await Bun.sleep(5);
    expect(sent.filter((result) => result === 0).length).toBeGreaterThan(0);
    expect(sent.filter((result) => result === -1).length).toBeGreaterThan(10);
    asked.socket.resume();
    await drained.promise;
    asked.socket.destroy();
  });
});

const chat = `export default {
  fetch(request, server) {
    if (server.upgrade(request, { data: "chat" })) return;
    return new Response("a page");
  },
  websocket: { message: (socket, message) => socket.send(socket.data + " " + message) },
};`;

describe.each([...targets])("$name", (target) => {
  test("a module made for Bun has its websockets on the one port and on a port of its own, until SIGTERM", async () => {
    const folder = mkdtempSync(join(tmpdir(), "web-socket-"));
    const module = join(folder, "chat.ts");
    writeFileSync(module, chat);
    for (const more of [[], ["--http_address=127.0.0.1:0"]]) {
      const service = await serve(target, ["run", module, "--selector=static", ...more]);
      const address = service.address("http");
      expect(await (await fetch(`http://${address}/`)).text()).toBe("a page");
      const { socket, opened, closed, next } = client(address);
      await opened;
      socket.send("hello");
      expect(await next()).toBe("chat hello");
      service.signal("SIGTERM");
      expect((await closed).code).toBe(1001);
      expect(await service.exited).toBe(0);
    }
    rmSync(folder, { recursive: true });
  });
});

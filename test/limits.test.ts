/** What operators bound: connections, calls, header fields, ages and silences; and requests that are packed. */
import { describe, expect, test } from "bun:test";
import { type EventEmitter, once } from "node:events";
import { connect as connectHttp2, createServer, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, connect as connectTcp, type Socket } from "node:net";
import { gunzipSync } from "node:zlib";
import type { Dispatch } from "../src/call.ts";
import type { MicrorunError } from "../src/errors.ts";
import { silentLog } from "../src/log.ts";
import { caller, count, service, texts } from "../src/transport/peer.contract.ts";
import type { Server, ServerLimits } from "../src/transport/transport.ts";
import { greeter, serve, targets } from "./harness.ts";
import { transports } from "./transports.ts";

const portOf = (address: string): number => Number(address.split(":").at(-1));

/** `once` would reject for the error before. */
function closed(emitter: EventEmitter): Promise<void> {
  return new Promise((resolve) => emitter.once("close", resolve));
}

/** A client that says what HTTP/2 asks of it, and nothing more. @returns when it was told to go, and when cut */
function silent(address: string) {
  const session = connectHttp2(`http://127.0.0.1:${portOf(address)}`);
  session.on("error", () => {});
  return { left: once(session, "goaway"), closed: closed(session), session };
}

/** One that answers nothing, not even a PING. */
function dead(address: string): Socket {
  const socket = connectTcp(portOf(address), "127.0.0.1");
  socket.on("error", () => {});
  const settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
  socket.write(Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Buffer.from(settings)]));
  socket.resume();
  return socket;
}

describe.each(transports)("%s", (_, transport) => {
  const listen = (limits: Partial<ServerLimits>, dispatch: Dispatch = async () => ({ text: "" })) =>
    transport.listen(service, dispatch, { address: "127.0.0.1:0", log: silentLog, limits });
  const codeOf = (server: Server, metadata = new Headers()) => {
    const connection = transport.connect(server.address);
    return caller(connection)("Unary", { text: "" }, { metadata })
      .then(
        () => "answered",
        (error: MicrorunError) => error.code,
      )
      .finally(() => connection[Symbol.asyncDispose]());
  };

  test("one connection more than may be is closed at once, and one fewer makes room", async () => {
    await using server = await listen({ maxConnections: 1 });
    const { session } = silent(server.address);
    await once(session, "connect");
    expect(await codeOf(server)).toBe("unavailable");
    session.close();
    await once(session, "close");
    // once the server has seen it, too
    let code = await codeOf(server);
    for (let tries = 0; code !== "answered" && tries < 20; tries++) code = await codeOf(server);
    expect(code).toBe("answered");
  });

  test("one call more than may be is refused unhandled, so that it can be tried elsewhere", async () => {
    const go = Promise.withResolvers<object>();
    const begun = Promise.withResolvers<void>();
    await using server = await listen({ maxCalls: 1 }, () => {
      begun.resolve();
      return go.promise;
    });
    await using connection = transport.connect(server.address);
    const first = caller(connection)("Unary", { text: "" });
    await begun.promise;
    const second = caller(connection)("Unary", { text: "" });
    expect(await second.catch((error) => error)).toMatchObject({ code: "unavailable", unsent: true });
    go.resolve({ text: "" });
    expect(await first).toMatchObject({ text: "" });
  });

  test("a client is told how many calls a connection may have", async () => {
    await using server = await listen({ maxStreams: 2 });
    const { session } = silent(server.address);
    const [settings] = await once(session, "remoteSettings");
    expect(settings.maxConcurrentStreams).toBe(2);
    session.destroy();
  });

  test("more metadata than may be is no call", async () => {
    await using server = await listen({ maxHeaderBytes: 2048 });
    expect(await codeOf(server, new Headers({ "x-small": "x".repeat(1000) }))).toBe("answered");
    expect(await codeOf(server, new Headers({ "x-large": "x".repeat(4000) }))).not.toBe("answered");
  });

  test("a connection is told to go for its age, however busy, and cut when its grace is over", async () => {
    const begun = Promise.withResolvers<void>();
    await using server = await listen({ maxAgeMs: 200, ageGraceMs: 300 }, (call) => {
      begun.resolve();
      return new Promise((_, reject) =>
        call.signal.addEventListener("abort", () => reject(call.signal.reason)),
      );
    });
    await using connection = transport.connect(server.address);
    const call = caller(connection)("Unary", { text: "" });
    await begun.promise;
    expect(await call.catch((error) => error.code)).toBe("unavailable");
    const { left } = silent(server.address);
    expect((await left)[0]).toBe(0);
  });

  test("a connection without calls is told to go", async () => {
    await using server = await listen({ idleMs: 200 });
    const { left, closed } = silent(server.address);
    expect((await left)[0]).toBe(0);
    await closed;
  });

  test("a client that does not answer a PING is cut", async () => {
    await using server = await listen({ keepaliveMs: 200, keepaliveTimeoutMs: 200 });
    await closed(dead(server.address));
  });

  test("requests worth it are packed, the others are not", async () => {
    const seen: (readonly [encoding: unknown, flag: number, bytes: number])[] = [];
    const peer = createServer().on("stream", async (stream: ServerHttp2Stream, headers) => {
      const body = Buffer.concat(await Array.fromAsync(stream as AsyncIterable<Buffer>));
      const message = body[0] === 1 ? gunzipSync(body.subarray(5)) : body.subarray(5);
      seen.push([headers["grpc-encoding"], body[0]!, message.length]);
      stream.respond(
        { ":status": 200, "content-type": "application/grpc", "grpc-status": "0" },
        { endStream: true },
      );
    });
    await new Promise<void>((resolve) => peer.listen(0, "127.0.0.1", resolve));
    const { port } = peer.address() as AddressInfo;
    await using connection = transport.connect(`127.0.0.1:${port}`, { gzip: true });
    await caller(connection)("Unary", { text: "x".repeat(5000) }).catch(() => {});
    expect(seen).toEqual([["gzip", 1, 5003]]);
    peer.close();
  });

  test("packed requests are read, of streams too", async () => {
    const read: string[] = [];
    const dispatch: Dispatch = async ({ request, method }) => {
      if (method === "Up") read.push(...(await texts(request)));
      else read.push((request as { text: string }).text);
      return { text: "" };
    };
    await using server = await listen({}, dispatch);
    await using connection = transport.connect(server.address, { gzip: true });
    const large = "y".repeat(3000);
    await caller(connection)("Unary", { text: large });
    await caller(connection)("Up", count(2, large));
    expect(read).toEqual([large, `${large}0`, `${large}1`]);
  });
});

describe.each(targets.map((target) => [target.name, target] as const))("%s", (_, target) => {
  test.each(["grpc", "grpc-js"])("flags bound a service over --transport=%s", async (transport) => {
    const flags = [
      ...["--max_connections=2", "--max_concurrent_streams=7", "--max_header_bytes=4KiB"],
      ...["--max_connection_age=1s", "--max_connection_age_grace=1s", "--max_connection_idle=1h"],
      ...["--keepalive_time=30s", "--keepalive_timeout=5s", "--max_concurrent_calls=10"],
    ];
    await using running = await serve(target, ["run", greeter, `--transport=${transport}`, ...flags]);
    const [first, second] = [silent(running.address()), silent(running.address())];
    const [settings] = await once(first.session, "remoteSettings");
    expect(settings).toMatchObject({ maxConcurrentStreams: 7, maxHeaderListSize: 4096 });
    await closed(dead(running.address()));
    for (const { left } of [first, second]) expect((await left)[0]).toBe(0);
  });
});

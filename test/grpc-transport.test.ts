/** The gRPC transport under the transport's contract, on each kind of address, and what only it does. */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Http2ServerResponse } from "node:http2";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MicrorunError } from "../src/errors.ts";
import { silentLog } from "../src/log.ts";
import { composeService } from "../src/service/compose.ts";
import { transportContract } from "../src/transport/transport.contract.ts";
import type { ConnectOptions, ListenOptions, Server } from "../src/transport/transport.ts";
import { makeCertificates } from "./certificate.ts";
import { transports } from "./transports.ts";

const folder = mkdtempSync(join(tmpdir(), "microrun-transport-"));
afterAll(() => rmSync(folder, { recursive: true }));
let sockets = 0;
const { ca, server: tls, client } = makeCertificates();

describe.each(transports)("%s", (name, transport) => {
  const dropsUnread = name === "grpc-js";
  transportContract("gRPC over TCP", { transport, dropsUnread, address: () => "127.0.0.1:0" });

  transportContract("gRPC over a unix socket", {
    transport,
    dropsUnread,
    address: () => `unix:${join(folder, `${sockets++}.sock`)}`,
  });

  transportContract("gRPC over mutual TLS", {
    transport,
    dropsUnread,
    address: () => "127.0.0.1:0",
    listen: { tls: { ...tls, ca } },
    connect: { tls: { ...client, ca } },
  });

  const nothing = composeService({ name: "nothing", version: "1", id: "nothing-1", metadata: {} }, []);
  const listen = (address: string, options: Partial<ListenOptions> = {}): Promise<Server> =>
    transport.listen(nothing, async () => ({}), { address, log: silentLog, ...options });

  /** Reaching a service that has nothing, one gets `unimplemented`. */
  async function codeOfCall(address: string, options?: ConnectOptions): Promise<string> {
    await using connection = transport.connect(address, options);
    const call = { service: "Nope", method: "Nope", request: {}, metadata: new Headers() };
    return await connection.dispatch({ ...call, signal: AbortSignal.timeout(3000) }).then(
      () => "answered",
      (error: MicrorunError) => error.code,
    );
  }

  async function refusal(work: Promise<unknown>): Promise<string> {
    const { code, message } = await work.then(
      () => ({ code: "none", message: "it listens" }),
      (error: MicrorunError) => error,
    );
    return `${code}: ${message}`;
  }

  describe("certificates", () => {
    test("one of another address is not trusted", async () => {
      await using server = await listen("0.0.0.0:0", { tls });
      const port = server.address.split(":").at(-1);
      expect(await codeOfCall(`127.0.0.1:${port}`, { tls: { ca } })).toBe("unimplemented");
      expect(await codeOfCall(`localhost:${port}`, { tls: { ca } })).toBe("unimplemented");
      expect(await codeOfCall(`127.0.0.2:${port}`, { tls: { ca } })).toBe("unavailable");
    });

    test("one of another authority is not trusted, on either side", async () => {
      const stranger = makeCertificates();
      await using server = await listen("127.0.0.1:0", { tls: { ...tls, ca } });
      expect(await codeOfCall(server.address, { tls: { ...client, ca } })).toBe("unimplemented");
      expect(await codeOfCall(server.address, { tls: { ...client, ca: stranger.ca } })).toBe("unavailable");
      expect(await codeOfCall(server.address, { tls: { ...stranger.client, ca } })).toBe("unavailable");
      expect(await codeOfCall(server.address, { tls: { ca } })).toBe("unavailable");
      expect(await codeOfCall(server.address)).toBe("unavailable");
    });

    test("what is none is refused with its why", async () => {
      expect(await refusal(listen("127.0.0.1:0", { tls: { cert: "x", key: "y" } }))).toStartWith(
        "invalid_argument: cannot use the certificate: ",
      );
      expect(await refusal(listen("127.0.0.1:0", { tls: { cert: tls.cert, key: client.key } }))).toStartWith(
        "invalid_argument: cannot use the certificate: ",
      );
    });
  });

  describe("addresses", () => {
    test("a port may be of all interfaces, and a free one is told", async () => {
      await using server = await listen(":0");
      expect(server.address).toMatch(/^(\[::\]|0\.0\.0\.0):[1-9]\d*$/);
      expect(await codeOfCall(server.address)).toBe("unimplemented");
      expect(await codeOfCall(`localhost:${server.address.split(":").at(-1)}`)).toBe("unimplemented");
    });

    test("what is no address, or none of this machine, is an invalid argument", async () => {
      for (const address of ["", "8080", "::1:80", ":70000", "unix:"])
        expect(await refusal(listen(address))).toStartWith(`invalid_argument: address "${address}": `);
      for (const address of ["192.0.2.1:0", "nowhere.invalid:0", `unix:${folder}/none/a.sock`])
        expect(await refusal(listen(address))).toStartWith(`invalid_argument: cannot listen on ${address}: `);
    });

    test("a socket file left by a dead process is replaced, a live one is in use, and one's own is removed", async () => {
      const path = join(folder, "left.sock");
      const script = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 9))`;
      await Bun.spawn([process.execPath, "-e", script]).exited;
      expect(existsSync(path)).toBe(true);
      const server = await listen(`unix:${path}`);
      expect(await refusal(listen(`unix:${path}`))).toBe(
        `already_exists: cannot listen on unix:${path}: the address is in use`,
      );
      expect(await codeOfCall(server.address)).toBe("unimplemented");
      await server[Symbol.asyncDispose]();
      expect(existsSync(path)).toBe(false);
    });
  });

  test("a preface that comes byte by byte is still HTTP/2", async () => {
    await using server = await listen("127.0.0.1:0");
    const [host, port] = server.address.split(":");
    const socket = connectTcp({ host: host!, port: Number(port), noDelay: true });
    const answered = new Promise<Buffer>((resolve) => socket.once("data", resolve));
    for (const byte of Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", "latin1")) {
      socket.write(Buffer.from([byte]));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    // a SETTINGS frame
    expect((await answered)[3]).toBe(4);
    socket.destroy();
  });

  test("a peer that cannot be reached is told in few words", async () => {
    const gone = await listen("127.0.0.1:0");
    await gone[Symbol.asyncDispose]();
    const call = { service: "Nope", method: "Nope", request: {}, metadata: new Headers() };
    const reasons = new Map([
      [gone.address, "connection refused"],
      [`unix:${join(folder, "none.sock")}`, "no such socket"],
    ]);
    for (const [address, why] of reasons) {
      await using connection = transport.connect(address);
      for (const more of [{}, { deadline: Date.now() + 2000 }]) {
        const attempt = connection.dispatch({ ...call, ...more, signal: AbortSignal.timeout(3000) });
        expect(await refusal(attempt)).toBe(`unavailable: ${address}: cannot connect: ${why}`);
      }
    }
  });

  test("an answer that is no gRPC is told by its HTTP status, its body read as no message", async () => {
    let answer: (response: Http2ServerResponse) => void = () => {};
    const server = createServer((_, response) => answer(response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    await using connection = transport.connect(`127.0.0.1:${(server.address() as { port: number }).port}`);
    const call = { service: "Nope", method: "Nope", request: {}, metadata: new Headers() };
    const ask = (status: number, fields: Record<string, string>, body: string | Buffer | undefined) => {
      answer = (response) => {
        if (body === undefined)
          response.stream.respond({ ":status": status, ...fields }, { endStream: true });
        else response.writeHead(status, fields).end(body);
      };
      return refusal(connection.dispatch({ ...call, signal: AbortSignal.timeout(3000) }));
    };
    const page = "<html>\n  <body>503 Service\tUnavailable</body>\n</html>";
    const html = { "content-type": "text/html" };
    const codes = {
      400: "internal",
      401: "unauthenticated",
      403: "permission_denied",
      404: "unimplemented",
      418: "unknown",
      429: "unavailable",
      500: "unknown",
      502: "unavailable",
      503: "unavailable",
      504: "unavailable",
    };
    for (const [status, code] of Object.entries(codes))
      for (const [type, body] of [
        [html, page],
        [html, "no"],
        [html, undefined],
        [{}, undefined],
        // grpc-js takes it for a message
        [{ "content-type": "application/octet-stream" }, Buffer.alloc(name === "grpc-js" ? 4 : 5)],
      ] as const) {
        const told = await ask(Number(status), type, body);
        expect(told).toStartWith(`${code}: `);
        expect(told).toContain(`HTTP status ${name === "grpc-js" ? "code " : ""}${status}`);
      }
    const byOwnStatus = { ...html, "grpc-status": "9", "grpc-message": "not now" };
    expect(await ask(503, byOwnStatus, undefined)).toBe("failed_precondition: not now");
    if (name !== "grpc-js") {
      const html503 = "unavailable: the server answers with HTTP status 503 and content type text/html";
      expect(await ask(503, html, page)).toBe(
        `${html503}: <html> <body>503 Service Unavailable</body> </html>`,
      );
      expect(await ask(503, html, "x".repeat(1e6))).toBe(`${html503}: ${"x".repeat(200)}…`);
      expect(await ask(503, { ...html, "content-encoding": "gzip" }, "packed")).toBe(html503);
      expect(await ask(200, html, "<html>login</html>")).toBe(
        "unknown: the server answers with HTTP status 200 and content type text/html: <html>login</html>",
      );
      expect(await ask(200, {}, undefined)).toBe(
        "unknown: the server answers with HTTP status 200 without content type",
      );
      expect(await ask(200, byOwnStatus, page)).toBe("failed_precondition: not now");
      answer = (response) => void response.writeHead(503, html).write("it does not end");
      expect(await refusal(connection.dispatch({ ...call, signal: AbortSignal.timeout(3000) }))).toBe(
        `${html503}: it does not end`,
      );
    }
    server.close();
  });

  test("a peer that speaks TLS where we do not, or the other way round, is told with the way out", async () => {
    const call = { service: "Nope", method: "Nope", request: {}, metadata: new Headers() };
    const failing = async (address: string, options?: ConnectOptions): Promise<MicrorunError> => {
      await using connection = transport.connect(address, options);
      return await connection.dispatch({ ...call, signal: AbortSignal.timeout(3000) }).then(
        () => Promise.reject(new Error("it went well")),
        (error: MicrorunError) => error,
      );
    };
    await using secure = await listen("127.0.0.1:0", { tls });
    await using plain = await listen("127.0.0.1:0");
    expect(await failing(secure.address)).toMatchObject({
      code: "unavailable",
      unsent: true,
      message: expect.stringMatching(/cannot connect: .*speaks TLS[^(]*$/),
      hint: expect.stringContaining("--client_tls_ca"),
    });
    expect(await failing(plain.address, { tls: { ca } })).toMatchObject({
      code: "unavailable",
      unsent: true,
      message: expect.stringMatching(/cannot connect: .*speaks no TLS( would)?$/),
      hint: expect.stringContaining("--client_tls_ca"),
    });
  });

  test("a stop does not wait for connections that say nothing", async () => {
    const server = await listen("127.0.0.1:0");
    const [host, port] = server.address.split(":");
    const socket = connectTcp({ host: host!, port: Number(port) });
    await new Promise((resolve) => socket.once("connect", resolve));
    const closed = new Promise((resolve) => socket.once("close", resolve));
    const began = performance.now();
    await server[Symbol.asyncDispose]();
    await closed;
    expect(performance.now() - began).toBeLessThan(2000);
  });
});

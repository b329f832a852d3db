/** The HTTP side over real sockets, in each of the ways in which it is served: curl, Connect's own client, raw bytes. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFileRegistry, type DescService, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import type { MicrorunError } from "../src/errors.ts";
import { openPort } from "../src/grpc/port.ts";
import { serveWithSockets } from "../src/h1/serve.ts";
import { bunSockets } from "../src/h2/bun-sockets.ts";
import { serveHttp } from "../src/http/server.ts";
import { silentLog } from "../src/log.ts";
import { serveWithBun } from "../src/runtime/bun-server.ts";
import type { Server } from "../src/transport/transport.ts";
import { greeterFetch, hosts, raw, schema } from "./http-hosts.ts";

const greeter = createFileRegistry({
  $typeName: "google.protobuf.FileDescriptorSet",
  file: schema.files().map(({ bytes }) => fromBinary(FileDescriptorProtoSchema, bytes)),
}).getService("greeter.Greeter") as DescService;

type Serve = typeof serveWithBun;
const ownServe: Serve = serveWithSockets(bunSockets());

interface Greeting {
  greeting: string;
}

/** What the descriptor, made at run time, cannot tell the type checker. */
interface Greeter {
  hello(request: object, options?: object): Promise<Greeting>;
  look(request: object): Promise<Greeting>;
  count(request: object): AsyncIterable<Greeting>;
  join(requests: AsyncIterable<object>): Promise<Greeting>;
}

async function curl(...args: string[]): Promise<string> {
  const child = Bun.spawn(["curl", "-sS", "-m", "10", ...args], { stdout: "pipe" });
  return new Response(child.stdout).text();
}

describe.each(hosts)("$name", ({ open }) => {
  let server: Server;
  let url = "";
  beforeAll(async () => {
    server = await open({ fetch: greeterFetch() });
    url = `http://${server.address}`;
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test.skipIf(!Bun.which("curl"))("curl is answered however it asks", async () => {
    const hello = '{"greeting":"Hello John"}';
    const john = '{"name":"John"}';
    const path = `${url}/greeter.Greeter/Hello`;
    expect(await curl("-d", john, path)).toBe(hello);
    expect(await curl("--json", john, path)).toBe(hello);
    expect(await curl("--json", john, "-H", "transfer-encoding: chunked", path)).toBe(hello);
    expect(await curl(`${url}/greeter/hello?name=John`)).toBe(hello);
    expect(await curl(`${url}/greeter.Greeter/Look?encoding=json&message=%7B%22name%22:%22John%22%7D`)).toBe(
      hello,
    );
    expect(await curl("--json", "{name}", path)).toContain("invalid JSON at line 1, column 2");
    expect(await curl("--json", '{"name":7}', path)).toContain("greeter.Name.name");
    expect(await curl(`${url}/health`)).toBe("OK");
    expect(await curl("-I", `${url}/livez`)).toStartWith("HTTP/1.1 200 OK");
    expect(await curl(path, "-i")).toMatch(/^HTTP\/1.1 405 .*allow: POST/is);
  });

  test.skipIf(!Bun.which("curl"))(
    "a body that is too large is refused, its length known or not",
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "http-"));
      const file = join(folder, "body");
      writeFileSync(file, JSON.stringify({ name: "x".repeat(200_000) }));
      const ask = ["--json", `@${file}`, `${url}/greeter.Greeter/Hello`, "-w", " %{http_code}"];
      const refused = '{"code":"resource_exhausted","message":"request: larger than 100000 bytes"} 413';
      expect(await curl(...ask)).toBe(refused);
      expect(await curl(...ask, "-H", "transfer-encoding: chunked")).toBe(refused);
      rmSync(folder, { recursive: true });
    },
  );

  describe.each([
    { useBinaryFormat: true, useHttpGet: false },
    { useBinaryFormat: false, useHttpGet: true },
  ])("Connect's client with $useBinaryFormat", (options) => {
    const client = (): Greeter =>
      createClient(
        greeter,
        createConnectTransport({ baseUrl: url, httpVersion: "1.1", ...options }),
      ) as unknown as Greeter;

    test("calls, and gets metadata of both kinds", async () => {
      const seen: Record<string, string | null> = {};
      const reply = await client().hello(
        { name: "John" },
        {
          headers: { "x-sent": "1" },
          onHeader: (headers: Headers) => {
            seen.peer = headers.get("x-peer");
          },
          onTrailer: (trailers: Headers) => {
            seen.end = trailers.get("x-end");
          },
        },
      );
      expect(reply.greeting).toBe("Hello John");
      expect(seen).toEqual({ peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/), end: "1" });
      expect((await client().look({ name: "x" })).greeting).toBe("Hello x");
      const long = "x".repeat(90_000);
      expect((await client().hello({ name: long })).greeting).toBe(`Hello ${long}`);
    });

    test("reads errors with their details", async () => {
      const error = ConnectError.from(
        await client()
          .hello({ name: "nobody" })
          .catch((error) => error),
      );
      expect([error.code, error.rawMessage]).toEqual([Code.NotFound, "no such name"]);
      expect(error.details).toMatchObject([
        { type: "google.rpc.ErrorInfo", debug: { reason: "NOBODY", metadata: { name: "nobody" } } },
      ]);
    });

    test("streams in either direction", async () => {
      const replies = await Array.fromAsync(client().count({ name: "n" }));
      expect(replies.map(({ greeting }) => greeting)).toEqual(["n 1", "n 2", "n 3"]);
      const names = (async function* () {
        yield { name: "a" };
        yield { name: "b" };
      })();
      expect((await client().join(names)).greeting).toBe("a b");
    });
  });

  test("a connection is kept for further requests", async () => {
    const client = await raw(server.address, "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n");
    await client.until("ok");
    client.socket.write("GET /health HTTP/1.1\r\nhost: x\r\n\r\n");
    await client.until("OK\r\n");
    await client.until("\r\n\r\nOK");
    client.socket.destroy();
  });

  test("a host need not be named in HTTP/1.0, but in HTTP/1.1", async () => {
    const old = await raw(server.address, "GET /livez HTTP/1.0\r\n\r\n");
    await old.closed;
    expect(old.text()).toMatch(/^HTTP\/1.\d 200 OK\r\n.*\r\n\r\nok$/s);
    const nameless = await raw(server.address, "GET /livez HTTP/1.1\r\n\r\n");
    await nameless.closed;
    expect(nameless.text()).toStartWith("HTTP/1.1 400");
  });

  test("what is not HTTP is refused and cut", async () => {
    const client = await raw(server.address, "HELLO\r\n\r\n");
    await client.closed;
    expect(client.text()).toStartWith("HTTP/1.1 400 Bad Request");
  });
});

test("an address that cannot be listened on says why", async () => {
  const fetch = greeterFetch();
  const told = async (address: string, serve: Serve, more: object = {}): Promise<string> => {
    const error = await serveHttp({ address, fetch, serve, log: silentLog, ...more }).catch((error) => error);
    const { code, message, hint } = error as MicrorunError;
    expect(hint).toBeString();
    return `${code} ${message}`;
  };
  for (const serve of [ownServe, serveWithBun]) {
    await using taken = await serveHttp({ address: "127.0.0.1:0", fetch, serve, log: silentLog });
    expect(await told(taken.address, serve)).toBe(
      `already_exists cannot listen on ${taken.address}: the address is in use`,
    );
    expect(await told("8080", serve)).toStartWith("invalid_argument");
    expect(await told("192.0.2.7:0", serve)).toStartWith("invalid_argument cannot listen on 192.0.2.7:0");
    expect(await told("no-such-host.invalid:0", serve)).toStartWith("invalid_argument");
    expect(await told("127.0.0.1:0", serve, { tls: { cert: "no", key: "no" } })).toStartWith(
      "invalid_argument cannot use the certificate",
    );
  }
});

test("a file that is no socket is not replaced by one", async () => {
  const folder = mkdtempSync(join(tmpdir(), "http-"));
  const path = join(folder, "precious");
  writeFileSync(path, "kept");
  const address = `unix:${path}`;
  const attempts = [
    serveHttp({ address, fetch: greeterFetch(), serve: ownServe, log: silentLog }),
    serveHttp({ address, fetch: greeterFetch(), serve: serveWithBun, log: silentLog }),
    openPort({ address, http2: () => {} }),
  ];
  for (const attempt of attempts)
    expect(await attempt.catch((error) => error)).toMatchObject({
      code: "invalid_argument",
      message: `cannot listen on ${address}: it is not a socket`,
    });
  expect(readFileSync(path, "utf8")).toBe("kept");
  rmSync(folder, { recursive: true });
});

test("a unix socket is listened on and gone afterwards", async () => {
  const folder = mkdtempSync(join(tmpdir(), "http-"));
  for (const serve of [ownServe, serveWithBun]) {
    const unix = join(folder, "s.sock");
    const server = await serveHttp({ address: `unix:${unix}`, fetch: greeterFetch(), serve, log: silentLog });
    expect(server.address).toBe(`unix:${unix}`);
    expect(await (await fetch("http://localhost/livez", { unix })).text()).toBe("ok");
    await server[Symbol.asyncDispose]();
    expect(existsSync(unix)).toBe(false);
  }
  rmSync(folder, { recursive: true });
});

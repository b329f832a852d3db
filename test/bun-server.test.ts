/** The HTTP server on Bun.serve: addresses, limits, TLS, and how it stops. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serveWithBun } from "../src/runtime/bun-server.ts";
import type { HostServer, ServeOptions } from "../src/runtime/runtime.ts";

const address = "127.0.0.1:0";
const ok = (): Response => new Response("ok");
const start = (options: Partial<ServeOptions> = {}): Promise<HostServer> =>
  serveWithBun({ address, fetch: ok, ...options });
const url = (server: HostServer, scheme = "http"): string => `${scheme}://${server.address}/`;

/** The system's error code. */
const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error) => error.code,
  );

/** A key and a certificate for localhost, signed by itself. */
async function selfSigned(name: string): Promise<{ cert: string; key: string }> {
  const folder = mkdtempSync(join(tmpdir(), "microrun-tls-"));
  const [key, cert] = [join(folder, "key"), join(folder, "cert")];
  const made = Bun.spawnSync([
    "openssl",
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-keyout",
    key,
    "-out",
    cert,
    "-days",
    "1",
    "-subj",
    `/CN=${name}`,
    "-addext",
    "subjectAltName=IP:127.0.0.1",
  ]);
  if (!made.success) throw new Error(made.stderr.toString());
  const pair = { cert: await Bun.file(cert).text(), key: await Bun.file(key).text() };
  rmSync(folder, { recursive: true });
  return pair;
}

test("a port is filled in, and the peer is known", async () => {
  const server = await start({ fetch: (_, peer) => new Response(peer ?? "nobody") });
  expect(server.address).toMatch(/^127\.0\.0\.1:[1-9]\d*$/);
  expect(await (await fetch(url(server))).text()).toMatch(/^127\.0\.0\.1:\d+$/);
  server.kill();
});

test("no host means all interfaces", async () => {
  const server = await start({ address: ":0" });
  const port = server.address.split(":").at(-1);
  for (const host of ["127.0.0.1", "[::1]"])
    expect(await (await fetch(`http://${host}:${port}/`)).text()).toBe("ok");
  server.kill();
});

test("a unix socket is served", async () => {
  const folder = mkdtempSync(join(tmpdir(), "microrun-unix-"));
  const unix = join(folder, "socket");
  const server = await start({ address: `unix:${unix}`, fetch: (_, peer) => new Response(`peer ${peer}`) });
  expect(server.address).toBe(`unix:${unix}`);
  expect(await (await fetch("http://localhost/", { unix })).text()).toBe("peer undefined");
  server.kill();
  rmSync(folder, { recursive: true });
});

test("an address that cannot be had fails with the system's code", async () => {
  const server = await start();
  expect(await codeOf(start({ address: server.address }))).toBe("EADDRINUSE");
  expect(await codeOf(start({ address: "192.0.2.1:0" }))).toBe("EADDRNOTAVAIL");
  expect(await codeOf(start({ address: `unix:${join(tmpdir(), "microrun-nowhere", "socket")}` }))).toBe(
    "ENOENT",
  );
  server.kill();
});

test("a body over the limit is refused", async () => {
  const server = await start({
    maxBodyBytes: 1000,
    fetch: async (request) => new Response(`${(await request.bytes()).length}`),
  });
  const send = async (bytes: number): Promise<string | number> => {
    const response = await fetch(url(server), { method: "POST", body: new Uint8Array(bytes) });
    return response.ok ? response.text() : response.status;
  };
  expect(await send(1000)).toBe("1000");
  expect(await send(1001)).toBe(413);
  server.kill();
});

test("an answer that rejects is an internal error without its text", async () => {
  const server = await start({ fetch: () => Promise.reject(new Error("secret")) });
  const response = await fetch(url(server));
  expect([response.status, await response.text()]).toEqual([500, "internal error\n"]);
  server.kill();
});

test("TLS is served, and with a CA only clients with its certificate are answered", async () => {
  const [own, other] = await Promise.all([selfSigned("own"), selfSigned("other")]);
  const plain = await start({ tls: own });
  expect(await (await fetch(url(plain, "https"), { tls: { ca: own.cert } })).text()).toBe("ok");
  plain.kill();

  const mutual = await start({ tls: { ...own, ca: own.cert } });
  const ask = (client: object): Promise<string> =>
    fetch(url(mutual, "https"), { tls: { ca: own.cert, ...client } }).then(
      (r) => r.text(),
      () => "refused",
    );
  expect(await ask(own)).toBe("ok");
  expect(await ask({})).toBe("refused");
  expect(await ask(other)).toBe("refused");
  mutual.kill();
});

test("a stop refuses new connections, and waits for requests under way but not for idle connections", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const server = await start({ fetch: async ({ url }) => (url.endsWith("/slow") ? promise.then(ok) : ok()) });
  await (await fetch(url(server))).text(); // leaves an idle keep-alive connection
  const slow = fetch(`${url(server)}slow`);
  await Bun.sleep(50);
  let stopped = false;
  const stop = server.stop().then(() => {
    stopped = true;
  });
  await Bun.sleep(50);
  expect(stopped).toBe(false);
  expect(await codeOf(fetch(url(server), { keepalive: false }))).toBe("ECONNREFUSED");
  resolve();
  expect(await (await slow).text()).toBe("ok");
  await stop;
}, 10_000);

test("a kill cuts what is under way", async () => {
  const server = await start({ fetch: () => new Promise(() => {}) });
  const hanging = codeOf(fetch(url(server)));
  await Bun.sleep(50);
  server.kill();
  expect(await hanging).toBe("ECONNRESET");
});

/** Certificates renewed while a service runs: who connects gets the new ones, who is connected stays. */
import { afterAll, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { readClient, readMesh } from "../src/cli/command/settings.ts";
import { bunSockets } from "../src/h2/bun-sockets.ts";
import { nodeSockets } from "../src/h2/node-sockets.ts";
import { maxHandshakeMs, maxHandshakes } from "../src/h2/sockets.ts";
import { silentLog } from "../src/log.ts";
import { openOutbound } from "../src/outbound.ts";
import { composeService } from "../src/service/compose.ts";
import { outgoing } from "../src/transport/peer.contract.ts";
import { makeAuthority, type Pair } from "./certificate.ts";
import { greeter, serve, targets } from "./harness.ts";
import { transports } from "./transports.ts";

const folder = mkdtempSync(join(tmpdir(), "microrun-renewed-"));
afterAll(() => rmSync(folder, { recursive: true }));
const authority = makeAuthority();
const nothing = composeService({ name: "nothing", version: "1", id: "nothing-1", metadata: {} }, []);

function open(address: string): TLSSocket {
  const port = Number(address.split(":").at(-1));
  return connect({ host: "127.0.0.1", port, ca: authority.cert });
}

function nameOf(socket: TLSSocket): string {
  return String(socket.getPeerCertificate().subject?.CN);
}

/** The name on the certificate that is shown there. */
async function shown(address: string): Promise<string> {
  const socket = open(address);
  try {
    await once(socket, "secureConnect");
    return nameOf(socket);
  } finally {
    socket.destroy();
  }
}

/** Asks on a connection that is there. @returns its certificate's name, and the answer's status */
async function asked(socket: TLSSocket): Promise<string> {
  socket.write("GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n");
  const [answer] = await once(socket, "data");
  return `${nameOf(socket)} ${/^HTTP\/1.1 (\d+)/.exec(String(answer))?.[1]}`;
}

describe.each(transports)("%s", (_, transport) => {
  test("a renewed certificate is shown to whoever connects, also while many do; a broken one is refused", async () => {
    const tls = authority.issue({ name: "before" });
    await using server = await transport.listen(nothing, async () => ({}), {
      ...{ address: "127.0.0.1:0", log: silentLog, tls },
    });
    const before = shown(server.address);
    expect(await before).toBe("before");
    const during = Array.from({ length: 20 }, () => shown(server.address));
    server.renew?.(authority.issue({ name: "after" }));
    for (const name of await Promise.all(during)) expect(name).toMatch(/^(before|after)$/);
    expect(await shown(server.address)).toBe("after");
    const { cert } = authority.issue({ name: "broken" });
    expect(() => server.renew?.({ cert, key: tls.key })).toThrow("cannot use the certificate");
    expect(await shown(server.address)).toBe("after");
  });
});

describe.each(transports)("a client on %s", (_, transport) => {
  test.each(transports)("is told that a server on %s does not take its certificate", async (_, other) => {
    const { cert: ca } = authority;
    const tls = { ...authority.issue({ name: "server" }), ca };
    const options = { address: "127.0.0.1:0", log: silentLog, tls };
    await using server = await other.listen(nothing, async () => ({}), options);
    for (const own of [{}, makeAuthority().issue({ name: "stranger" })]) {
      await using connection = transport.connect(server.address, { tls: { ca, ...own } });
      const call = outgoing({ service: "Nope", method: "Nope", request: {} });
      expect(await connection.dispatch(call).catch((error) => error)).toMatchObject({
        code: "unavailable",
        unsent: true,
        message: expect.stringContaining(
          "cannot connect: the server does not take our certificate, or wants one",
        ),
        hint: expect.stringContaining("--client_tls_cert"),
      });
    }
  });

  test("shows the certificate that holds when it connects", async () => {
    const { cert: ca } = authority;
    const tls = { ...authority.issue({ name: "server" }), ca };
    const options = { address: "127.0.0.1:0", log: silentLog, tls };
    await using server = await transport.listen(nothing, async () => ({}), options);
    let own: Partial<Pair> = {};
    const connecting = {
      get tls() {
        return { ca, ...own };
      },
    };
    const codeOf = async (): Promise<string> => {
      await using connection = transport.connect(server.address, connecting);
      const call = outgoing({ service: "Nope", method: "Nope", request: {} });
      return String(await connection.dispatch(call).catch((error) => error.code));
    };
    expect(await codeOf()).toBe("unavailable");
    own = authority.issue({ name: "client" });
    expect(await codeOf()).toBe("unimplemented");
  });
});

test.each([
  ["bun", bunSockets()],
  ["node", nodeSockets()],
])("sockets of %s show what was renewed, and keep what they have when that is broken", async (_, sockets) => {
  const tls = authority.issue({ name: "before" });
  const listening = { address: "127.0.0.1:0", tls, open: () => undefined };
  await using listener = await sockets.listen(listening);
  expect(await shown(listener.address)).toBe("before");
  expect(() => listener.renew({ ...tls, cert: "none" })).toThrow();
  expect(await shown(listener.address)).toBe("before");
  listener.renew(authority.issue({ name: "after" }));
  expect(await shown(listener.address)).toBe("after");
});

test("handshakes that do not begin make room for those that do", async () => {
  const tls = authority.issue({ name: "server" });
  await using listener = await bunSockets().listen({ address: "127.0.0.1:0", tls, open: () => undefined });
  const port = Number(listener.address.split(":").at(-1));
  const silent = Array.from({ length: maxHandshakes }, () => connectTcp(port, "127.0.0.1"));
  for (const socket of silent) socket.on("error", () => {});
  const first = new Promise((resolve) => silent[0]!.once("close", resolve));
  await Promise.all(silent.slice(1).map((socket) => once(socket, "connect")));
  const began = performance.now();
  expect(await shown(listener.address)).toBe("server");
  await first;
  // not for the time that a handshake has
  expect(performance.now() - began).toBeLessThan(maxHandshakeMs / 2);
  for (const socket of silent) socket.destroy();
});

test("calls to others show the certificate that their files hold", async () => {
  const files = { cert: join(folder, "c.crt"), key: join(folder, "c.key"), ca: join(folder, "ca.crt") };
  const write = ({ cert, key }: Pair): void => {
    writeFileSync(files.cert, cert);
    writeFileSync(files.key, key);
  };
  writeFileSync(files.ca, authority.cert);
  write(makeAuthority().issue({ name: "stranger", days: 30 }));
  const [, transport] = transports[1]!;
  const tls = { ...authority.issue({ name: "server" }), ca: authority.cert };
  const listening = { address: "127.0.0.1:0", log: silentLog, tls };
  await using server = await transport.listen(nothing, async () => ({}), listening);
  const renewed = Promise.withResolvers<void>();
  const given = new Map([
    ["client_tls_cert", [files.cert]],
    ["client_tls_key", [files.key]],
    ["client_tls_ca", [files.ca]],
  ]);
  await using outbound = await openOutbound({
    mesh: { ...readMesh(new Map(), {}), registry: "memory", selector: "static" },
    client: readClient(given, {}),
    requestTimeoutMs: () => 3000,
    transport: "grpc",
    maxMessageBytes: 4_194_304,
    from: "test",
    env: {},
    log: { ...silentLog, info: () => renewed.resolve() },
  });
  const codeOf = async (): Promise<string> => {
    const how = { address: server.address };
    return String(
      await outbound
        .client()
        .call("nope", "Nope.Nope", {}, how)
        .catch((error) => error.code),
    );
  };
  expect(await codeOf()).toBe("unavailable");
  write(authority.issue({ name: "client", days: 30 }));
  await renewed.promise;
  expect(await codeOf()).toBe("unimplemented");
});

describe.each(targets.map((target) => [target.name, target] as const))("%s", (_, target) => {
  test("files that change are read anew, on the port of gRPC and on that of HTTP", async () => {
    const [cert, key] = [join(folder, "tls.crt"), join(folder, "tls.key")];
    const write = (pair: Pair): void => {
      writeFileSync(cert, pair.cert);
      writeFileSync(key, pair.key);
    };
    write(authority.issue({ name: "before" }));
    const flags = [`--tls_cert=${cert}`, `--tls_key=${key}`, "--http_address=127.0.0.1:0"];
    await using service = await serve(target, ["run", greeter, ...flags]);
    const names = () => Promise.all([shown(service.address("grpc")), shown(service.address("http"))]);
    expect(await names()).toEqual(["before", "before"]);
    const kept = open(service.address("http"));
    expect(await asked(kept)).toBe("before 200");

    write({ ...authority.issue({ name: "broken" }), key: "no key" });
    await service.logged(/tls_key=.*: holds no private key: what was read before stays/);
    expect(await names()).toEqual(["before", "before"]);

    write(authority.issue({ name: "after", days: 30 }));
    await service.logged(/--tls_\*: read anew, valid until/);
    expect(await names()).toEqual(["after", "after"]);
    expect(await asked(kept)).toBe("before 200");
    kept.destroy();
  });
});

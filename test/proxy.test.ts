/** A service behind nghttpx, a strict proxy of HTTP/2: calls of all kinds, failures and many at once come through. */
import { describe, expect, test } from "bun:test";
import { createServer } from "node:net";
import { failure } from "../src/transport/peer.contract.ts";
import { folder, serve, targets } from "./harness.ts";
import { interopArgs, interopCall, type Reply } from "./interop-service.ts";
import { ownTransport } from "./transports.ts";

const nghttpx = Bun.which("nghttpx");
if (nghttpx === null) {
  if (process.env.CI === "true") throw new Error("there is no nghttpx in PATH: install nghttp2-proxy");
  console.error("skipped: calls through a proxy, as there is no nghttpx in PATH");
}

const patienceMs = 10_000;

/** nghttpx chooses no port itself. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface Proxy extends AsyncDisposable {
  readonly address: string;
  /** What it has complained of. */
  readonly log: () => Promise<string>;
}

/** In front of an address, HTTP/2 on either side. */
async function proxy(backend: string): Promise<Proxy> {
  const files = folder({ "nghttpx.conf": "" });
  const [port, log] = [await freePort(), `${files.path}/errors.log`];
  const [host, to] = backend.split(":");
  const child = Bun.spawn(
    [
      nghttpx!,
      ...[`--conf=${files.path}/nghttpx.conf`, `--frontend=127.0.0.1,${port};no-tls`, "--workers=1"],
      ...[`--backend=${host},${to};;proto=h2`, `--errorlog-file=${log}`, "--log-level=WARN"],
    ],
    { stdout: "ignore", stderr: "ignore" },
  );
  const end = performance.now() + patienceMs;
  while (
    !(await Bun.connect({ hostname: "127.0.0.1", port, socket: { data() {} } }).then(
      (socket) => {
        socket.end();
        return true;
      },
      () => false,
    ))
  ) {
    if (performance.now() > end || child.exitCode !== null)
      throw new Error(`nghttpx does not listen: ${await Bun.file(log).text()}`);
    await Bun.sleep(20);
  }
  return {
    address: `127.0.0.1:${port}`,
    log: () => Bun.file(log).text(),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
      files[Symbol.dispose]();
    },
  };
}

const { transport } = ownTransport();

describe.skipIf(nghttpx === null).each(targets)("$name", (target) => {
  test("calls of all kinds come through nghttpx, failures too", async () => {
    await using running = await serve(target, interopArgs);
    await using between = await proxy(running.address());
    await using connection = transport.connect(between.address);
    const sizes = { responseParameters: [{ size: 10 }, { size: 300_000, intervalUs: 2_000 }, { size: 0 }] };
    async function* requests(wishes = {}) {
      for (const size of [10, 200_000, 0]) yield { ...wishes, payload: { body: new Uint8Array(size) } };
    }
    const read = async (replies: Promise<AsyncIterable<Reply>>): Promise<number[]> => {
      const all: number[] = [];
      for await (const { payload } of await replies) all.push(payload.body.length);
      return all;
    };
    const once = async (): Promise<void> => {
      expect(await interopCall<object>(connection, "EmptyCall")).toEqual({});
      const unary = { responseSize: 100_000, payload: { body: new Uint8Array(100_000) } };
      expect((await interopCall(connection, "UnaryCall", unary)).payload.body.length).toBe(100_000);
      expect(await interopCall<object>(connection, "StreamingInputCall", requests())).toEqual({
        aggregatedPayloadSize: 200_010,
      });
      expect(await read(interopCall(connection, "StreamingOutputCall", sizes))).toEqual([10, 300_000, 0]);
      expect((await read(interopCall(connection, "FullDuplexCall", requests(sizes)))).length).toBe(9);
      const failing = { responseStatus: { code: 9, message: "größe" } };
      expect(await failure(interopCall(connection, "UnaryCall", failing))).toMatchObject({
        code: "failed_precondition",
        message: "größe",
      });
      expect((await failure(interopCall(connection, "UnimplementedCall"))).code).toBe("unimplemented");
    };
    for (let round = 0; round < 5; round++) await Promise.all(Array.from({ length: 10 }, once));
    // calls that are given up do no harm to the others
    const slow = { responseParameters: [{ size: 1, intervalUs: 500_000 }] };
    for (let i = 0; i < 50; i++)
      await failure(read(interopCall(connection, "StreamingOutputCall", slow, { deadline: Date.now() + 5 })));
    await once();
    expect(await between.log()).toBe("");
  });
});

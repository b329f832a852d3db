/** Ports as people set them: TLS, mutual TLS, unix sockets, ports apart; asked by curl and grpcurl. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { makeCertificates } from "./certificate.ts";
import { folder, greeter, type Outcome, type Running, serve, targets } from "./harness.ts";
import { keepAsking } from "./http-clients.ts";
import { peer } from "./peers.ts";

const grpcurl = await peer("grpcurl");
const { ca, server, client } = makeCertificates();
const dir = folder({
  "ca.crt": ca,
  "server.crt": server.cert,
  "server.key": server.key,
  "client.crt": client.cert,
  "client.key": client.key,
});
afterAll(() => dir[Symbol.dispose]());
const file = (name: string): string => join(dir.path, name);
const tls = [`--tls_cert=${file("server.crt")}`, `--tls_key=${file("server.key")}`];

async function run(...command: string[]): Promise<Outcome> {
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "pipe", timeout: 30_000 });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}

const john = '{"name":"John"}';
const hello = '{"greeting":"Hello John!"}';

describe.each(targets)("$name", (target) => {
  describe("TLS", () => {
    let running: Running;
    let port = "";
    beforeAll(async () => {
      running = await serve(target, [greeter, ...tls]);
      port = running.address().split(":").at(-1) ?? "";
    });
    afterAll(() => running[Symbol.asyncDispose]());

    test.each(["--http1.1", "--http2"])("answers JSON and web to curl %s", async (version) => {
      const curl = (...args: string[]) => run("curl", "-sS", version, "--cacert", file("ca.crt"), ...args);
      expect((await curl("--json", john, `https://localhost:${port}/greeter.Greeter/Hello`)).stdout).toBe(
        hello,
      );
      expect((await curl("-w", " %{http_version}", `https://localhost:${port}/health`)).stdout).toBe(
        version === "--http2" ? "OK 2" : "OK 1.1",
      );
    });

    test.skipIf(grpcurl === undefined)(
      "answers gRPC to grpcurl, and refuses a foreign authority",
      async () => {
        const args = ["-d", john, `localhost:${port}`, "greeter.Greeter/Hello"];
        expect(JSON.parse((await run(grpcurl!, "-cacert", file("ca.crt"), ...args)).stdout)).toEqual(
          JSON.parse(hello),
        );
        expect((await run(grpcurl!, ...args)).stderr).toContain("unknown authority");
      },
    );

    test("answers microrun call", async () => {
      const call = [
        ...target.command,
        "call",
        "greeter",
        "Greeter.Hello",
        john,
        `--address=localhost:${port}`,
      ];
      expect(JSON.parse((await run(...call, `--client_tls_ca=${file("ca.crt")}`)).stdout)).toEqual(
        JSON.parse(hello),
      );
    });
  });

  test.skipIf(grpcurl === undefined)(
    "mutual TLS lets in whom the authority signed, and nobody else",
    async () => {
      await using running = await serve(target, [greeter, ...tls, `--tls_ca=${file("ca.crt")}`]);
      const port = running.address().split(":").at(-1);
      const args = ["-cacert", file("ca.crt"), "-max-time", "5", "-d", john];
      const call = [`localhost:${port}`, "greeter.Greeter/Hello"];
      const own = ["-cert", file("client.crt"), "-key", file("client.key")];
      expect(JSON.parse((await run(grpcurl!, ...args, ...own, ...call)).stdout)).toEqual(JSON.parse(hello));
      expect((await run(grpcurl!, ...args, ...call)).code).not.toBe(0);
      expect(
        (await run("curl", "-sS", "--cacert", file("ca.crt"), `https://localhost:${port}/health`)).code,
      ).not.toBe(0);
    },
  );

  test("the health port answers in cleartext, whatever the others ask for", async () => {
    const own = [greeter, ...tls, `--tls_ca=${file("ca.crt")}`, "--health_address=127.0.0.1:0"];
    await using running = await serve(target, own);
    expect(await (await fetch(`http://${running.address("health")}/livez`)).text()).toBe("ok");
  });

  test("SIGTERM loses no request of clients that keep their connections", async () => {
    for (const apart of [[], ["--http_address=127.0.0.1:0"]]) {
      await using running = await serve(target, [greeter, "--drain_delay=200ms", ...apart]);
      const head = `POST /greeter.Greeter/Hello HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`;
      const ask = `${head}content-length: ${john.length}\r\n\r\n${john}`;
      const clients = Array.from({ length: 20 }, () => keepAsking(running.address("http"), ask));
      await Bun.sleep(200);
      running.signal("SIGTERM");
      for (const { answered, lost } of await Promise.all(clients)) {
        expect(lost).toBe("");
        expect(answered).toBeGreaterThan(1);
      }
      expect(await running.exited).toBe(0);
    }
  });

  test.skipIf(grpcurl === undefined)(
    "a unix socket answers everything, and its file is gone afterwards",
    async () => {
      const path = file(`${target.name}.sock`);
      await using running = await serve(target, [greeter, `--server_address=unix:${path}`]);
      expect((await run("curl", "-sS", "--unix-socket", path, "http://localhost/health")).stdout).toBe("OK");
      const reply = await run(grpcurl!, "-plaintext", "-unix", "-d", john, path, "greeter.Greeter/Hello");
      expect(JSON.parse(reply.stdout)).toEqual(JSON.parse(hello));
      running.signal("SIGTERM");
      expect(await running.exited).toBe(0);
      expect(existsSync(path)).toBe(false);
    },
  );

  test("ports apart answer each its own", async () => {
    await using running = await serve(target, [greeter, "--http_address=127.0.0.1:0"]);
    const http = running.address("http");
    expect((await run("curl", "-sS", "--json", john, `http://${http}/greeter.Greeter/Hello`)).stdout).toBe(
      hello,
    );
    expect((await run("curl", "-sS", `http://${running.address("grpc")}/health`)).code).not.toBe(0);
    if (grpcurl === undefined) return;
    const reply = await run(
      grpcurl,
      "-plaintext",
      "-d",
      john,
      running.address("grpc"),
      "greeter.Greeter/Hello",
    );
    expect(JSON.parse(reply.stdout)).toEqual(JSON.parse(hello));
  });

  test("the default port, when busy, is replaced by a free one outside a cluster, and is an error in one", async () => {
    const taken = createServer()
      .on("error", () => {})
      .listen(8080);
    await using running = await serve(target, [greeter, "--log_format=json"], { ownAddress: false });
    expect(running.address()).not.toEndWith(":8080");
    await running.logged(/:8080 is in use: taking a free port/);
    const inCluster = { KUBERNETES_SERVICE_HOST: "127.0.0.1" };
    await expect(serve(target, [greeter], { ownAddress: false, env: inCluster })).rejects.toThrow(
      "cannot listen on :8080",
    );
    taken.close();
  });
});

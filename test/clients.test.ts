/** Clients that are not ours call the greeter: curl, grpcurl, grpc-go, Go Micro v2 and v5, Kratos. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type Running, serve, targets } from "./harness.ts";
import { type Peer, peer } from "./peers.ts";

const module = join(import.meta.dir, "fixtures/greeter/greeter.ts");
const paths = new Map<Peer, string | undefined>();
for (const name of ["grpcurl", "grpc-go", "v2", "v5", "kratos"] as const) paths.set(name, await peer(name));
const without = (name: Peer): boolean => paths.get(name) === undefined;

/** Standard output of a client that must end well. */
async function output(command: readonly string[]): Promise<string> {
  const child = Bun.spawn([...command], { stdout: "pipe", stderr: "pipe", timeout: 30_000 });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}:\n${stdout}${stderr}`);
  return stdout;
}

describe.each(targets)("$name", (target) => {
  let running: Running;
  let at = "";
  beforeAll(async () => {
    running = await serve(target, [module]);
    at = running.address();
  });
  afterAll(() => running[Symbol.asyncDispose]());

  const client = async (name: Peer, ...args: string[]): Promise<unknown> =>
    JSON.parse(await output([paths.get(name) ?? "", args[0] ?? "", "--address", at, ...args.slice(1)]));

  describe.skipIf(!Bun.which("curl"))("curl", () => {
    const curl = (...args: string[]): Promise<string> => output(["curl", "-sS", ...args]);

    test("asks health, readiness, a call in JSON, and Go Micro's path", async () => {
      expect(await curl(`http://${at}/health`)).toBe("OK");
      expect(await curl(`http://${at}/readyz?verbose`)).toContain("[+]");
      expect(await curl("--json", '{"name":"John"}', `http://${at}/greeter.Greeter/Hello`)).toBe(
        '{"greeting":"Hello John"}',
      );
      expect(await curl("-d", '{"name":"John"}', `http://${at}/greeter/hello`)).toBe(
        '{"greeting":"Hello John"}',
      );
      expect(await curl(`http://${at}/greeter/hello?name=John`)).toBe('{"greeting":"Hello John"}');
    });

    test("reads errors with their status", async () => {
      const failed = await curl(
        "-w",
        " %{http_code}",
        "--json",
        '{"name":"err:info"}',
        `http://${at}/greeter.Greeter/Hello`,
      );
      expect(failed).toMatch(/^\{"code":"not_found","message":"boom err:info".*\} 404$/);
      const wrong = await curl(
        "-w",
        " %{http_code}",
        "--json",
        '{"name":7}',
        `http://${at}/greeter.Greeter/Hello`,
      );
      expect(wrong).toMatch(/"code":"invalid_argument".*name.* 400$/);
    });

    test("gets the same over HTTP/2 with prior knowledge", async () => {
      const reply = await curl(
        "--http2-prior-knowledge",
        "--json",
        '{"name":"John"}',
        `http://${at}/greeter.Greeter/Hello`,
      );
      expect(reply).toBe('{"greeting":"Hello John"}');
    });
  });

  describe.skipIf(without("grpcurl"))("grpcurl", () => {
    const grpcurl = (...args: string[]): Promise<string> =>
      output([paths.get("grpcurl") ?? "", "-plaintext", ...args]);

    test("lists, describes and calls by reflection", async () => {
      const services = (await grpcurl(at, "list")).trim().split("\n");
      for (const name of [
        "greeter.Greeter",
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
      ]) {
        expect(services).toContain(name);
      }
      expect(await grpcurl(at, "describe", "greeter.Greeter.Stream")).toContain(
        "rpc Stream ( .greeter.StreamRequest ) returns ( stream .greeter.StreamResponse );",
      );
      expect(JSON.parse(await grpcurl("-d", '{"name":"John"}', at, "greeter.Greeter/Hello"))).toEqual({
        greeting: "Hello John",
      });
      expect(await grpcurl("-d", '{"count":"3"}', at, "greeter.Greeter/Stream")).toContain('"count": "2"');
    });

    test("sees health", async () => {
      expect(JSON.parse(await grpcurl(at, "grpc.health.v1.Health/Check"))).toEqual({ status: "SERVING" });
    });
  });

  describe.skipIf(without("grpc-go"))("grpc-go", () => {
    test("makes the four kinds of calls", async () => {
      expect(await client("grpc-go", "call", "--name", "a")).toMatchObject({ code: 0, replies: ["Hello a"] });
      expect(await client("grpc-go", "call", "--kind", "server", "--name", "a")).toMatchObject({
        code: 0,
        replies: ["Hello a", "Hello a", "Hello a"],
      });
      expect(await client("grpc-go", "call", "--kind", "client", "--name", "a", "--name", "b")).toMatchObject(
        { code: 0, replies: ["Hello a, Hello b"] },
      );
      expect(await client("grpc-go", "call", "--kind", "bidi", "--name", "a", "--name", "b")).toMatchObject({
        code: 0,
        replies: ["Hello a", "Hello b"],
      });
    });

    test("gets metadata back, binary too, and the content type it sent", async () => {
      const reply = await client(
        "grpc-go",
        "call",
        "--name",
        "a",
        "--metadata",
        "echo-text=x",
        "--metadata",
        "echo-data-bin=AAEC",
      );
      expect(reply).toMatchObject({
        headers: { "echo-text": ["x"], "echo-data-bin": ["AAEC"], "content-type": ["application/grpc"] },
        trailers: { "echo-text": ["x"], "echo-data-bin": ["AAEC"] },
      });
    });

    test("reads ErrorInfo, plain errors and text beyond ASCII", async () => {
      expect(await client("grpc-go", "call", "--name", "err:info")).toMatchObject({
        code: 5,
        message: "boom err:info",
        errorInfo: { reason: "GREETER_BOOM", metadata: { foo: "bar" } },
      });
      expect(await client("grpc-go", "call", "--name", "panic")).toMatchObject({
        code: 13,
        message: "internal error",
      });
      expect(await client("grpc-go", "call", "--name", "err:utf8")).toMatchObject({
        code: 10,
        message: 'größe 100% #1 "<&>"\nzeile',
      });
    });

    test("has its deadline kept, its cancel seen, and its gzip read", async () => {
      const late = (await client("grpc-go", "call", "--name", "sleep:3s", "--deadline", "200ms")) as {
        code: number;
        ms: number;
      };
      expect(late.code).toBe(4);
      expect(
        await client(
          "grpc-go",
          "call",
          "--kind",
          "server",
          "--name",
          "sleep:100ms",
          "--cancel-after",
          "250ms",
        ),
      ).toMatchObject({ code: 1 });
      expect(await client("grpc-go", "call", "--gzip", "--name", "a")).toMatchObject({
        code: 0,
        replies: ["Hello a"],
      });
    });

    test("is refused a message beyond the limit", async () => {
      expect(await client("grpc-go", "call", "--name", "size:5000000")).toMatchObject({ code: 8 });
    });

    test("loses no call that is under way when SIGTERM comes", async () => {
      await using own = await serve(target, [module]);
      const load = Bun.spawn(
        [
          paths.get("grpc-go") ?? "",
          "drain",
          "--address",
          own.address(),
          "--concurrency",
          "50",
          "--name",
          "sleep:500ms",
        ],
        {
          stdout: "pipe",
          stderr: "inherit",
        },
      );
      const lines: string[] = [];
      for await (const chunk of load.stdout) {
        const text = new TextDecoder().decode(chunk);
        if (text.includes("under way")) own.signal("SIGTERM");
        lines.push(text);
      }
      expect(await own.exited).toBe(0);
      const said = JSON.parse(
        lines
          .join("")
          .split("\n")
          .filter((line) => line.startsWith("{"))
          .at(-1) ?? "{}",
      );
      expect(said).toMatchObject({ failed: 0, errors: {} });
      expect(said.ok).toBeGreaterThanOrEqual(50);
    });
  });

  describe.each(["v2", "v5"] as const)("a Go Micro %s client", (version) => {
    test.skipIf(without(version))("calls, streams, and reads its own kind of errors", async () => {
      expect(await client(version, "call", "--name", "bob")).toEqual({ reply: { greeting: "Hello bob" } });
      expect(await client(version, "call", "--name", "err:404")).toEqual({
        error: { id: "greeter.Hello", code: 404, detail: "boom err:404", status: "Not Found" },
      });
      expect(await client(version, "call", "--name", "panic")).toMatchObject({
        error: { code: 500, detail: "internal error" },
      });
      expect(await client(version, "call", "--stream", "--count", "3")).toEqual({
        replies: [{ count: 0 }, { count: 1 }, { count: 2 }],
      });
    });

    test.skipIf(without(version))("is found under any package name, and its timeout is kept", async () => {
      expect(await client(version, "call", "--service", "go.micro.srv.greeter", "--name", "bob")).toEqual({
        reply: { greeting: "Hello bob" },
      });
      expect(await client(version, "call", "--name", "sleep:5s", "--timeout", "300ms")).toMatchObject({
        error: { code: 408 },
      });
    });

    test.skipIf(without(version))("asks in JSON, and its metadata reaches the handler", async () => {
      expect(await client(version, "call", "--content-type", "application/json", "--name", "bob")).toEqual({
        reply: { greeting: "Hello bob" },
      });
      expect(await client(version, "call", "--metadata", "X-Foo=Bar", "--name", "md:x-foo")).toEqual({
        reply: { greeting: "Bar" },
      });
    });

    test.skipIf(without(version))("asked for what is not there, reads which service or method", async () => {
      expect(await client(version, "call", "--endpoint", "Nope.Hello")).toMatchObject({
        error: { code: 501, detail: "unknown service greeter.Nope" },
      });
    });
  });

  describe.skipIf(without("v2"))("Go Micro v2's Debug client", () => {
    test("sees health, counts, log lines and no traces", async () => {
      expect(await client("v2", "debug", "--method", "Health")).toEqual({ reply: { status: "ok" } });
      const { reply } = (await client("v2", "debug", "--method", "Stats")) as {
        reply: Record<string, number>;
      };
      expect(reply.requests).toBeGreaterThan(0);
      expect(reply.memory).toBeGreaterThan(1e6);
      expect(reply.uptime).toBeLessThan(3600);
      const { replies } = (await client("v2", "debug", "--method", "Log")) as {
        replies: { message: string }[];
      };
      expect(replies.map(({ message }) => message)).toContain("Starting [service] greeter");
      expect(await client("v2", "debug", "--method", "Trace")).toEqual({ reply: {} });
    });
  });

  describe.skipIf(without("kratos"))("a Kratos client", () => {
    test("calls, streams and reads code, reason and metadata", async () => {
      expect(await client("kratos", "call", "--name", "bob")).toEqual({ reply: { greeting: "Hello bob" } });
      expect(await client("kratos", "call", "--name", "err:info")).toEqual({
        error: { code: 404, reason: "GREETER_BOOM", message: "boom err:info", metadata: { foo: "bar" } },
      });
      expect(await client("kratos", "call", "--stream", "--count", "2")).toEqual({
        replies: [{ count: 0 }, { count: 1 }],
      });
    });
  });
});

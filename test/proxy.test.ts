/** `microrun proxy` between real clients and servers of gRPC: what passes through is what was sent, both ways. */
import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client, credentials, Metadata, Server, ServerCredentials, status } from "@grpc/grpc-js";
import { jsonMethod, type Method } from "../src/call.ts";
import { interopProgram } from "./go-interop.ts";
import { folder, microrun, type Running, serve, type Target, targets } from "./harness.ts";
import { peer } from "./peers.ts";
import { ownTransport } from "./transports.ts";

const [client, server] = [await interopProgram("client"), await interopProgram("server")];
const v2 = await peer("v2");
const files = folder();
afterAll(() => files[Symbol.dispose]());

/** Cases that look at every kind of call, at metadata, statuses, deadlines and cancellation. */
const cases = [
  ...["empty_unary", "large_unary", "client_streaming", "server_streaming", "ping_pong", "empty_stream"],
  ...["timeout_on_sleeping_server", "cancel_after_begin", "cancel_after_first_response"],
  ...["status_code_and_message", "special_status_message", "custom_metadata", "unimplemented_method"],
];

function startProxy(target: Target, port: string, args: readonly string[]): Promise<Running> {
  const env = { STATIC_SELECTOR_PORT_NUMBER: port };
  const own = ["proxy", "--address=127.0.0.1:0", "--selector=static", ...args];
  return serve(target, own, { ownAddress: false, env });
}

const raw = (bytes: Buffer): Buffer => bytes;
const method = {
  ...{ requestStream: false, responseStream: false },
  ...{ requestSerialize: raw, requestDeserialize: raw, responseSerialize: raw, responseDeserialize: raw },
};

/** Of anything, on grpc-js; `Refuse` fails with details, `Hang` hears of its end. */
async function upstream() {
  const seen = { metadata: new Metadata(), cancelled: Promise.withResolvers<void>() };
  const details = Buffer.from("CAMSA2JhZBobChp0eXBlLmdvb2dsZWFwaXMuY29tL3guWQ==", "base64");
  const grpc = new Server();
  grpc.addService(
    {
      Echo: { path: "/any.Thing/Echo", ...method },
      Refuse: { path: "/any.Thing/Refuse", ...method },
      Hang: { path: "/any.Thing/Hang", ...method },
    },
    {
      Echo(
        call: { metadata: Metadata; request: Buffer; sendMetadata: (m: Metadata) => void },
        answer: (...a: unknown[]) => void,
      ) {
        seen.metadata = call.metadata;
        const header = new Metadata();
        header.set("x-header", "1");
        call.sendMetadata(header);
        const trailer = new Metadata();
        trailer.set("x-trailer-bin", Buffer.from([0, 255]));
        answer(null, call.request, trailer);
      },
      Refuse(_: unknown, answer: (...a: unknown[]) => void) {
        const metadata = new Metadata();
        metadata.set("grpc-status-details-bin", details);
        answer({ code: status.INVALID_ARGUMENT, details: "bad", metadata });
      },
      Hang: (call: { on: (name: string, heard: () => void) => void }) =>
        call.on("cancelled", () => seen.cancelled.resolve()),
    } as never,
  );
  const port = await new Promise<number>((resolve, reject) =>
    grpc.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  return { port: String(port), details, seen, [Symbol.dispose]: () => grpc.forceShutdown() };
}

/** A unary call by bytes: the reply or the error, and what came beside it. */
function ask(caller: Client, name: string, fields: Readonly<Record<string, string>> = {}, more = {}) {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(fields)) metadata.set(key, value);
  return new Promise<{
    reply?: Buffer;
    error?: { code: number; details: string; metadata: Metadata };
    header?: Metadata;
    trailer?: Metadata;
  }>((resolve) => {
    let header: Metadata | undefined;
    let end: [unknown, Buffer | undefined] | undefined;
    const call = caller.makeUnaryRequest(
      `/any.Thing/${name}`,
      raw,
      raw,
      Buffer.from([8, 7]),
      metadata,
      more,
      (error, reply) => {
        end = [error, reply];
        if (error) resolve({ error: error as never });
      },
    );
    call.on("metadata", (got) => {
      header = got;
    });
    call.on("status", ({ metadata: trailer }) => {
      if (end?.[1] !== undefined) resolve({ reply: end[1], header: header!, trailer });
    });
  });
}

describe.each(targets)("$name", (target) => {
  test.skipIf(client === undefined || server === undefined)(
    "all kinds of calls of grpc-go pass between its client and its server",
    async () => {
      const child = Bun.spawn([server!], { stdout: "pipe", stderr: "inherit" });
      using _ = { [Symbol.dispose]: () => child.kill() };
      const { value } = await child.stdout.getReader().read();
      const [, port = ""] = new TextDecoder().decode(value).trim().split(":");
      await using proxy = await startProxy(target, port, ["--route=grpc.testing=localhost"]);
      const [host, at] = proxy.address().split(":");
      const failures: Record<string, string> = {};
      for (const name of cases) {
        const run = Bun.spawn(
          [client!, `--test_case=${name}`, `--server_host=${host}`, `--server_port=${at}`],
          {
            ...{ stdout: "ignore", stderr: "pipe", timeout: 10_000 },
            env: { ...process.env, GRPC_GO_LOG_SEVERITY_LEVEL: "error" },
          },
        );
        const said = await new Response(run.stderr).text();
        if ((await run.exited) !== 0) failures[name] = said || "it took too long";
      }
      expect(failures).toEqual({});
      proxy.signal("SIGTERM");
      expect(await proxy.exited).toBe(0);
    },
  );

  test("messages, metadata, statuses and their details are those that were sent", async () => {
    using there = await upstream();
    await using proxy = await startProxy(target, there.port, ["--route=any=localhost"]);
    const caller = new Client(proxy.address(), credentials.createInsecure());
    using _ = { [Symbol.dispose]: () => caller.close() };
    const { reply, header, trailer } = await ask(caller, "Echo", { "x-own": "1" });
    expect([...reply!]).toEqual([8, 7]);
    expect(header!.get("x-header")).toEqual(["1"]);
    expect(trailer!.get("x-trailer-bin")).toEqual([Buffer.from([0, 255])]);
    const metadata = there.seen.metadata.getMap();
    expect(metadata).toMatchObject({ "x-own": "1", "user-agent": expect.stringContaining("grpc-node-js") });
    for (const own of ["x-content-type", "micro-from-service", "timeout"])
      expect(metadata).not.toHaveProperty(own);
    const { error } = await ask(caller, "Refuse");
    expect([error!.code, error!.details]).toEqual([status.INVALID_ARGUMENT, "bad"]);
    expect(error!.metadata.get("grpc-status-details-bin")).toEqual([there.details]);
  });

  test("a caller's deadline and leaving reach the callee", async () => {
    using there = await upstream();
    await using proxy = await startProxy(target, there.port, ["--route=any=localhost"]);
    const caller = new Client(proxy.address(), credentials.createInsecure());
    using _ = { [Symbol.dispose]: () => caller.close() };
    const { error } = await ask(caller, "Hang", {}, { deadline: Date.now() + 300 });
    expect(error!.code).toBe(status.DEADLINE_EXCEEDED);
    await there.seen.cancelled.promise;
    there.seen.cancelled = Promise.withResolvers();
    const call = caller.makeUnaryRequest("/any.Thing/Hang", raw, raw, Buffer.alloc(0), () => {});
    await Bun.sleep(200);
    call.cancel();
    await there.seen.cancelled.promise;
  });

  test("a reader who does not read holds back the service", async () => {
    const path = join(files.path, "spring.ts");
    writeFileSync(
      path,
      `let poured = 0;
       export default { Spring: {
         async *Pour() { for (;;) { poured++; yield { water: "x".repeat(16_384) }; } },
         Poured: () => ({ poured }),
       } };`,
    );
    await using service = await serve(target, [path]);
    const [, port = ""] = service.address().split(":");
    await using proxy = await startProxy(target, port, ["--route=Spring=localhost"]);
    const { transport } = ownTransport();
    await using connection = transport.connect(proxy.address());
    const call = (method: string, type: Method): Promise<unknown> =>
      connection.dispatch({
        ...{ service: "Spring", method, request: {}, type },
        ...{ metadata: new Headers(), signal: new AbortController().signal },
      });
    const poured = async (): Promise<number> =>
      ((await call("Poured", jsonMethod("Spring", "Poured"))) as { poured: number }).poured;
    const replies = (await call(
      "Pour",
      jsonMethod("Spring", "Pour", { responseStream: true }),
    )) as AsyncIterable<unknown>;
    const reader = replies[Symbol.asyncIterator]();
    await reader.next();
    await Bun.sleep(300);
    const before = await poured();
    await Bun.sleep(300);
    expect(await poured()).toBe(before);
    expect(before).toBeLessThan(500);
    for (let read = 0; read < 1000; read++) await reader.next();
    expect(await poured()).toBeGreaterThan(1000);
    await reader.return!();
  });

  test("a service is named by metadata, else by the host, else by the package", async () => {
    using there = await upstream();
    await using proxy = await startProxy(target, there.port, ["--domain=svc.example"]);
    const own = new Client(proxy.address(), credentials.createInsecure());
    const hosted = new Client(proxy.address(), credentials.createInsecure(), {
      "grpc.default_authority": "localhost.svc.example",
    });
    using _ = { [Symbol.dispose]: () => [own, hosted].map((one) => one.close()) };
    expect((await ask(own, "Echo", { "micro-service": "localhost" })).reply).toBeDefined();
    expect((await ask(hosted, "Echo")).reply).toBeDefined();
    expect((await ask(own, "Echo")).error!.code).toBe(status.UNAVAILABLE);
    expect((await ask(own, "Echo", { "micro-service": "10.0.0.1:22" })).error!.code).toBe(
      status.INVALID_ARGUMENT,
    );
  });

  test("a call for nobody is unavailable, and the proxy's own health is its own", async () => {
    await using proxy = await serve(target, ["proxy", "--address=127.0.0.1:0"], { ownAddress: false });
    const caller = new Client(proxy.address(), credentials.createInsecure());
    using _ = { [Symbol.dispose]: () => caller.close() };
    expect((await ask(caller, "Echo")).error!.code).toBe(status.UNAVAILABLE);
    expect(await (await fetch(`http://${proxy.address()}/readyz`)).text()).toBe("ok");
    const healthy = await new Promise((resolve) =>
      caller.makeUnaryRequest("/grpc.health.v1.Health/Check", raw, raw, Buffer.alloc(0), (error, reply) =>
        resolve(error ?? [...reply!]),
      ),
    );
    expect(healthy).toEqual([8, 1]);
  });

  test("microrun call goes through it, and learns the schema of the service that its metadata names", async () => {
    const path = join(files.path, "shelf.ts");
    writeFileSync(
      path,
      `export const name = "shelf";
       export default { Shelf: { Take: ({ kind }) => ({ kind }) } };`,
    );
    writeFileSync(
      join(files.path, "shelf.proto"),
      `syntax = "proto3"; package shelf; service Shelf { rpc Take(Book) returns (Book); }
       message Book { Kind kind = 1; } enum Kind { NONE = 0; NOVEL = 1; }`,
    );
    await using service = await serve(target, [path]);
    await using proxy = await startProxy(target, service.address().split(":")[1]!, [
      "--route=shelf=localhost",
    ]);
    const call = (request: string, ...more: string[]) =>
      microrun(target, ["call", "shelf", "Shelf.Take", request, `--address=${proxy.address()}`, ...more]);
    // as JSON: nobody says whose reflection it is
    expect((await call('{"kind":"NOVEL"}')).stdout).toBe('{\n\t"kind": "NOVEL"\n}\n');
    const { code, stderr } = await call('{"kid":1}', "--metadata=micro-service=localhost");
    expect([code, stderr]).toEqual([2, expect.stringContaining("did you mean kind?")]);
  });

  test.skipIf(v2 === undefined)(
    "Go Micro calls a service of ours through it, and reads its errors",
    async () => {
      const path = join(files.path, "greeter.ts");
      writeFileSync(
        path,
        `import { MicrorunError } from "microrun";
       export const name = "greeter";
       export default { Greeter: { Hello: ({ name }, { metadata }) => {
         if (name === "boom") throw new MicrorunError("not_found", "no boom");
         return { greeting: name + metadata.get("x-foo") + metadata.get("micro-from-service") };
       } } };`,
      );
      writeFileSync(
        join(files.path, "greeter.proto"),
        `syntax = "proto3"; package greeter; service Greeter { rpc Hello(Request) returns (Reply); }
       message Request { string name = 1; } message Reply { string greeting = 1; }`,
      );
      await using service = await serve(target, [path]);
      await using proxy = await startProxy(target, service.address().split(":")[1]!, [
        "--route=greeter=localhost",
      ]);
      const called = async (name: string): Promise<string> => {
        const run = Bun.spawn(
          [v2!, "call", `--address=${proxy.address()}`, `--name=${name}`, "--metadata", "x-foo=bar"],
          {
            ...{ stdout: "pipe", stderr: "inherit" },
          },
        );
        return (await new Response(run.stdout).text()).trim();
      };
      expect(JSON.parse(await called("John"))).toMatchObject({
        reply: { greeting: expect.stringMatching(/^Johnbar(?!go\.micro\.proxy)/) },
      });
      expect(JSON.parse(await called("boom"))).toEqual({
        error: { id: "greeter", code: 404, detail: "no boom", status: "Not Found" },
      });
    },
  );
});

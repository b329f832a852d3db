/** Our client calls servers that are not ours: grpc-go, Go Micro v2 and v5, Kratos; and such as fail. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { memoryBroker } from "../src/broker/memory.ts";
import { type Dispatch, jsonMethod } from "../src/call.ts";
import { createClient } from "../src/client/calls.ts";
import type { Client } from "../src/client/client.ts";
import { type Methods, methodsOf } from "../src/client/methods.ts";
import { createPool } from "../src/client/pool.ts";
import type { MicrorunError } from "../src/errors.ts";
import { grpcJsTransport } from "../src/grpc/js/transport.ts";
import { loadSchema } from "../src/grpc/schema/schema.ts";
import { silentLog } from "../src/log.ts";
import type { Selector } from "../src/selector/selector.ts";
import { bindHandlers, composeService } from "../src/service/compose.ts";
import { createDispatch } from "../src/service/dispatch.ts";
import type { Handler } from "../src/service/service.ts";
import { folder, microrun, type Running, serve, targets } from "./harness.ts";
import { type Peer, peer } from "./peers.ts";
import { frame, frameTypes, rawServer, uint32s } from "./raw-http2.ts";

const proto = join(import.meta.dir, "fixtures/greeter/greeter.proto");
const methods = methodsOf((await loadSchema([proto])).services);
const transport = grpcJsTransport();
const pool = createPool(transport);
afterAll(() => pool[Symbol.asyncDispose]());

/** Those that have failed a call are taken last. */
function listed(...addresses: string[]): Selector {
  return {
    name: "listed",
    pick: (_, wish) => addresses.find((one) => !wish?.except?.has(one)) ?? addresses[0]!,
    async [Symbol.asyncDispose]() {},
  };
}

/** @param known undefined: JSON */
function clientOf(addresses: readonly string[], known?: Methods): Client {
  const options = { selector: listed(...addresses), pool, from: "tester", retries: 1 };
  return createClient(known === undefined ? options : { ...options, methods: known });
}

async function all<T>(replies: AsyncIterable<T>): Promise<T[]> {
  const seen: T[] = [];
  for await (const reply of replies) seen.push(reply);
  return seen;
}

async function failure(work: Promise<unknown> | AsyncIterable<unknown>): Promise<MicrorunError> {
  const ended = Symbol.asyncIterator in work ? all(work) : work;
  return ended.then(
    (value) => {
      throw new Error(`it went well: ${JSON.stringify(value)}`);
    },
    (error) => error,
  );
}

async function* names(...given: string[]) {
  for (const name of given) yield { name };
}

/** A peer that serves the greeter on a port of its own. */
async function started(
  name: Peer,
  ...args: string[]
): Promise<{ address: string; stop(): Promise<unknown> }> {
  const child = Bun.spawn([(await peer(name)) ?? "", "serve", "--address", "127.0.0.1:0", ...args], {
    stdout: "pipe",
    stderr: "ignore",
  });
  const stop = (): Promise<unknown> => {
    child.kill();
    return child.exited;
  };
  const address = Promise.withResolvers<string>();
  const listen = async (): Promise<void> => {
    let said = "";
    // to its end: a peer that can say nothing more would die of it
    for await (const chunk of child.stdout) {
      said += new TextDecoder().decode(chunk);
      const [, port] = /listening \S*:(\d+)\s/.exec(said) ?? [];
      if (port !== undefined) address.resolve(`127.0.0.1:${port}`);
    }
    address.reject(new Error(`${name} ended: ${said}`));
  };
  void listen();
  return { address: await address.promise, stop };
}

const binaries = new Map<Peer, string | undefined>();
for (const name of ["grpc-go", "v2", "v5", "kratos"] as const) binaries.set(name, await peer(name));
const without = (name: Peer): boolean => binaries.get(name) === undefined;

/** A client of a peer that runs as long as the tests of this block. */
function beside(name: Peer, ...args: string[]): { readonly proto: Client; readonly json: Client } {
  let running: Awaited<ReturnType<typeof started>> | undefined;
  beforeAll(async () => {
    running = await started(name, ...args);
  });
  afterAll(() => running?.stop());
  return {
    get proto() {
      return clientOf([running?.address ?? ""], methods);
    },
    get json() {
      return clientOf([running?.address ?? ""]);
    },
  };
}

describe.skipIf(without("grpc-go"))("grpc-go, called in protobuf,", () => {
  const peer = beside("grpc-go");

  test("answers the four kinds of calls", async () => {
    const client = peer.proto;
    expect(await client.call("greeter", "Greeter.Hello", { name: "a" })).toEqual({ greeting: "Hello a" });
    expect(await all(client.stream("greeter", "Greeter.LotsOfReplies", { name: "a" }))).toHaveLength(3);
    expect(await client.call("greeter", "Greeter.LotsOfGreetings", names("a", "b"))).toEqual({
      greeting: "Hello a, Hello b",
    });
    expect(await all(client.stream("greeter", "Greeter.BidiHello", names("a", "b")))).toEqual([
      { greeting: "Hello a" },
      { greeting: "Hello b" },
    ]);
  });

  test("is reached under any service name, as the .proto names its package", async () => {
    expect(await peer.proto.call("go.micro.srv.greeter", "Greeter.Hello", { name: "a" })).toEqual({
      greeting: "Hello a",
    });
  });

  test("gives its errors with reason and details", async () => {
    expect(await failure(peer.proto.call("greeter", "Greeter.Hello", { name: "err:info" }))).toMatchObject({
      code: "not_found",
      message: "boom err:info",
      reason: "GREETER_BOOM",
      details: { foo: "bar" },
    });
    expect(await failure(peer.proto.call("greeter", "Greeter.Hello", { name: "err:plain" }))).toMatchObject({
      code: "unknown",
      message: "plain boom",
    });
    const streamed = peer.proto.stream("greeter", "Greeter.LotsOfReplies", { name: "err:7" });
    expect((await failure(streamed)).code).toBe("permission_denied");
  });

  test("is told the deadline, gets the metadata, and sees who calls", async () => {
    const client = peer.proto;
    const late = client.call("greeter", "Greeter.Hello", { name: "sleep:5s" }, { timeoutMs: 100 });
    expect((await failure(late)).code).toBe("deadline_exceeded");
    const { greeting } = await client.call(
      "greeter",
      "Greeter.Hello",
      { name: "md:*" },
      { metadata: { "x-user": "7" } },
    );
    expect(JSON.parse(greeting)).toMatchObject({
      "x-user": ["7"],
      "micro-from-service": ["tester"],
      "content-type": ["application/grpc+proto"],
    });
  });

  test("is left when a stream's reader leaves, and when the call is aborted", async () => {
    const client = peer.proto;
    for await (const reply of client.stream("greeter", "Greeter.LotsOfReplies", { name: "count:1000000" })) {
      expect(reply).toHaveProperty("greeting");
      break;
    }
    const gone = new AbortController();
    const how = { signal: gone.signal };
    const read = async () => {
      for await (const _ of client.stream("greeter", "Greeter.LotsOfReplies", { name: "count:1000000" }, how))
        gone.abort();
    };
    expect((await failure(read())).code).toBe("cancelled");
  });

  test("called in JSON, of which it knows nothing, says so", async () => {
    const refused = await failure(peer.json.call("greeter", "Greeter.Hello", { name: "a" }));
    expect(["internal", "unimplemented"]).toContain(refused.code);
  });
});

describe.each(["v2", "v5"] as const)("Go Micro %s", (version) => {
  describe.skipIf(without(version)).each(["proto", "json"] as const)("called in %s", (form) => {
    const peer = beside(version);

    test("answers calls and streams", async () => {
      const client = peer[form];
      expect(await client.call("greeter", "Greeter.Hello", { name: "a" })).toEqual({ greeting: "Hello a" });
      const counts = await all(client.stream("greeter", "Greeter.Stream", { count: "3" }));
      expect(counts.map(({ count = "0" }) => String(count))).toEqual(["0", "1", "2"]);
    });

    test("gives its errors with code, id and detail", async () => {
      const client = peer[form];
      expect(await failure(client.call("greeter", "Greeter.Hello", { name: "err:404" }))).toMatchObject({
        code: "not_found",
        message: "boom err:404",
        reason: "greeter.Hello",
      });
      expect(await failure(client.call("greeter", "Greeter.Hello", { name: "err:409" }))).toMatchObject({
        code: "already_exists",
      });
      expect(await failure(client.call("greeter", "Greeter.Hello", { name: "err:plain" }))).toMatchObject({
        code: "unknown",
        message: "plain boom",
      });
      expect(await failure(client.call("greeter", "Greeter.Hello", { name: "panic" }))).toMatchObject({
        code: "internal",
        message: expect.stringContaining("ouch"),
      });
      expect(await failure(client.call("greeter", "Nope.Hello", {}))).toMatchObject({
        code: "unimplemented",
      });
    });

    test("gives a stream's error after its messages", async () => {
      const seen: unknown[] = [];
      const read = async () => {
        for await (const one of peer[form].stream("greeter", "Greeter.Stream", { count: "-1" }))
          seen.push(one);
      };
      expect(await failure(read())).toMatchObject({
        code: "invalid_argument",
        message: "negative count",
        reason: "greeter.Stream",
      });
      expect(seen).toHaveLength(1);
    });

    test("keeps the deadline, and its handlers see the metadata", async () => {
      const client = peer[form];
      const late = client.call("greeter", "Greeter.Hello", { name: "sleep:5s" }, { timeoutMs: 100 });
      expect((await failure(late)).code).toBe("deadline_exceeded");
      const how = { metadata: { "x-foo": "Bar" } };
      const key = version === "v2" ? "X-Foo" : "x-foo";
      expect(await client.call("greeter", "Greeter.Hello", { name: `md:${key}` }, how)).toEqual({
        greeting: "Bar",
      });
    });
  });
});

describe.skipIf(without("kratos"))("Kratos", () => {
  const peer = beside("kratos");

  test("answers, and gives its errors with reason and metadata", async () => {
    const client = peer.proto;
    expect(await client.call("greeter", "Greeter.Hello", { name: "a" })).toEqual({ greeting: "Hello a" });
    expect(await failure(client.call("greeter", "Greeter.Hello", { name: "err:404" }))).toMatchObject({
      code: "not_found",
      message: "boom err:404",
      reason: "GREETER_BOOM",
      details: { foo: "bar" },
    });
    expect(await all(client.stream("greeter", "Greeter.Stream", { count: "2" }))).toEqual([
      {},
      { count: "1" },
    ]);
  });

  test("has a deadline of its own, a second", async () => {
    const late = peer.proto.call("greeter", "Greeter.Hello", { name: "sleep:3s" });
    expect((await failure(late)).code).toBe("deadline_exceeded");
  });
});

describe("what is sent", () => {
  let seen: IncomingHttpHeaders = {};
  const server = createServer();
  server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    seen = headers;
    stream.resume();
    stream.respond(
      { ":status": 200, "content-type": "application/grpc", "grpc-status": "0" },
      { endStream: true },
    );
  });
  beforeAll(() => once(server.listen(0, "127.0.0.1"), "listening"));
  afterAll(() => void server.close());
  const at = () => `127.0.0.1:${(server.address() as AddressInfo).port}`;

  test("of a call has both timeouts, both content types and the caller's name", async () => {
    await failure(clientOf([at()]).call("greeter", "Greeter.Hello", {}, { timeoutMs: 2500 }));
    expect(seen).toMatchObject({
      ":path": "/greeter.Greeter/Hello",
      "content-type": "application/grpc+json",
      "x-content-type": "application/grpc+json",
      "micro-from-service": "tester",
      te: "trailers",
      "grpc-timeout": expect.stringMatching(/^\d+[mun]$/),
    });
    const nanoseconds = Number(seen.timeout);
    expect(nanoseconds).toBeGreaterThan(2e9);
    expect(nanoseconds).toBeLessThanOrEqual(2.5e9);
    await failure(clientOf([at()], methods).call("greeter", "Greeter.Hello", {}));
    expect(seen["x-content-type"]).toBe("application/grpc+proto");
  });

  test("of a stream has no timeout of its own, but the one given or the caller's", async () => {
    const client = clientOf([at()]);
    await all(client.stream("greeter", "Greeter.Stream"));
    expect([seen.timeout, seen["grpc-timeout"]]).toEqual([undefined, undefined]);
    await all(client.stream("greeter", "Greeter.Stream", {}, { timeoutMs: 1000 }));
    expect(Number(seen.timeout)).toBeLessThanOrEqual(1e9);
    const origin = {
      metadata: new Headers({ "x-user": "7", "content-type": "application/json", timeout: "5", host: "x" }),
      signal: new AbortController().signal,
      deadline: Date.now() + 700,
    };
    const serving = createClient({ selector: listed(at()), pool, from: "tester" }, origin);
    await all(serving.stream("greeter", "Greeter.Stream"));
    expect(seen).toMatchObject({ "x-user": "7", "content-type": "application/grpc+json" });
    expect(Number(seen.timeout)).toBeLessThanOrEqual(0.7e9);
    expect(Number(seen.timeout)).toBeGreaterThan(5);
  });
});

/** A service of ours on a socket. */
async function serving(handlers: Record<string, Handler>, callee?: Selector, address = "127.0.0.1:0") {
  const identity = { name: "greeter", version: "1", id: "greeter-1", metadata: {} };
  const service = composeService(identity, [bindHandlers({ Greeter: handlers }, undefined)]);
  const config = {
    data: {},
    get: () => undefined as never,
    scan: () => undefined as never,
    watch: () => () => {},
    async *changes() {},
  };
  const dispatch = createDispatch(service, {
    service: identity,
    broker: memoryBroker(silentLog),
    log: silentLog,
    config: () => config,
    client: (call) => createClient({ selector: callee ?? listed(), pool, from: "greeter" }, call),
  });
  return transport.listen(service, dispatch, { address, log: silentLog, drainTimeoutMs: 10 });
}

describe("what never reached its callee is asked elsewhere:", () => {
  const refusals = {
    "a port where nobody listens": undefined,
    "a stream refused": (stream: number) => frame(frameTypes.reset, 0, stream, uint32s(7)),
    "a connection told to go away before this stream": () => frame(frameTypes.goaway, 0, 0, uint32s(0, 0)),
  };
  test.each(Object.entries(refusals))("%s", async (_, refusal) => {
    await using refusing = await rawServer((socket, stream) => {
      if (refusal !== undefined) socket.write(refusal(stream));
    });
    let seen = 0;
    await using server = await serving({ Hello: () => ({ seen: ++seen }) });
    const first = refusal === undefined ? "127.0.0.1:1" : refusing.address;
    expect(await clientOf([first, server.address]).call("greeter", "Greeter.Hello")).toEqual({ seen: 1 });
    expect(refusing.requests()).toBe(refusal === undefined ? 0 : 1);

    const type = jsonMethod("greeter.Greeter", "Hello", { requestStream: true });
    const alone = await failure(clientOf([first]).call("greeter", "Greeter.Hello", names("a"), { type }));
    expect(alone).toMatchObject({ code: "unavailable", unsent: true });
  });
});

describe("a stream of requests whose first instance is gone goes whole to the next one:", () => {
  const sent = ["a", "b", "c"].map((name) => ({ name }));
  test.each([false, true])("its replies a stream: %p", async (responseStream) => {
    const seen: unknown[] = [];
    const schema = await loadSchema([proto]);
    const identity = { name: "greeter", version: "1", id: "greeter-1", metadata: {} };
    const take = async (request: AsyncIterable<{ name: string }>) => {
      for await (const { name } of request) seen.push({ name });
      return { greeting: "all" };
    };
    const handlers = {
      LotsOfGreetings: take,
      async *BidiHello(request: AsyncIterable<{ name: string }>) {
        yield await take(request);
      },
    } as unknown as Record<string, Handler>;
    const service = composeService(identity, [bindHandlers({ Greeter: handlers }, schema)]);
    const dispatch: Dispatch = async (call) =>
      // biome-ignore lint/suspicious/noExplicitAny: no handler here looks at its context
      service.find(call.service, call.method)!.handler!(call.request, undefined as any);
    const address = "127.0.0.1:0";
    await using server = await transport.listen(service, dispatch, {
      address,
      log: silentLog,
      drainTimeoutMs: 10,
    });
    const gone = await serving({});
    await gone[Symbol.asyncDispose]();
    const client = clientOf([gone.address, server.address], methods);
    const requests = names("a", "b", "c");
    const replies = responseStream
      ? await all(client.stream("greeter", "Greeter.BidiHello", requests))
      : [await client.call("greeter", "Greeter.LotsOfGreetings", requests)];
    expect(replies).toEqual([{ greeting: "all" }]);
    expect(seen).toEqual(sent);
  });
});

test("a stream of requests waits with each for the one before to be taken", async () => {
  const silent = createTcpServer(() => {});
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  const address = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
  let taken = 0;
  async function* endless() {
    for (;;) {
      taken += 1;
      yield { name: "a" };
    }
  }
  const type = jsonMethod("greeter.Greeter", "Hello", { requestStream: true });
  const how = { type, timeoutMs: 300 };
  expect((await failure(clientOf([address]).call("greeter", "Greeter.Hello", endless(), how))).code).toBe(
    "deadline_exceeded",
  );
  expect(taken).toBe(1);
  silent.close();
});

test("a second request to a method without a .proto is answered with the reason", async () => {
  await using server = await serving({ Hello: () => ({}) });
  const type = jsonMethod("greeter.Greeter", "Hello", { requestStream: true });
  const call = clientOf([server.address]).call("greeter", "Greeter.Hello", names("a", "b"), { type });
  expect(await failure(call)).toMatchObject({
    code: "unimplemented",
    message: "Greeter.Hello: it takes one request, a stream of them needs a .proto",
  });
});

test("a call that its server resets at its deadline ran out of time; one reset before was cancelled", async () => {
  let waitMs = 0;
  await using resetting = await rawServer((socket, stream) => {
    setTimeout(() => socket.write(frame(frameTypes.reset, 0, stream, uint32s(8))), waitMs);
  });
  const client = clientOf([resetting.address]);
  const call = (timeoutMs: number) => failure(client.call("greeter", "Greeter.Hello", {}, { timeoutMs }));
  expect((await call(20_000)).code).toBe("cancelled");
  for (waitMs = 96; waitMs <= 100; waitMs++) {
    const { code, message } = await call(100);
    expect([code, message]).toEqual(["deadline_exceeded", `${resetting.address}: deadline exceeded`]);
  }
});

test("a call with a time that no timer can be set for is made", async () => {
  await using server = await serving({ Hello: () => ({ well: true }) });
  const client = clientOf([server.address]);
  expect(await client.call("greeter", "Greeter.Hello", {}, { timeoutMs: 1e15 })).toEqual({ well: true });
  await using connection = transport.connect(server.address);
  const direct = { service: "greeter.Greeter", method: "Hello", request: {}, metadata: new Headers() };
  const signal = AbortSignal.timeout(3000);
  expect(await connection.dispatch({ ...direct, signal, deadline: Date.now() + 1e15 })).toEqual({
    well: true,
  });
});

test("very many cancelled calls cost nobody the connection", async () => {
  await using server = await serving({ Hello: () => ({ well: true }), Wait: () => new Promise(() => {}) });
  const client = clientOf([server.address]);
  const staying = client
    .call("greeter", "Greeter.Wait", {}, { timeoutMs: 60_000 })
    .catch((error) => error.code);
  let ended: unknown;
  void staying.then((code) => {
    ended = code;
  });
  for (let round = 0; round < 40; round++) {
    const gone = new AbortController();
    const calls = Array.from({ length: 50 }, () =>
      failure(client.call("greeter", "Greeter.Wait", {}, { signal: gone.signal })),
    );
    // a call that is reset before it was sent is none
    await client.call("greeter", "Greeter.Hello");
    gone.abort();
    for (const { code } of await Promise.all(calls)) expect(code).toBe("cancelled");
  }
  expect(await client.call("greeter", "Greeter.Hello")).toEqual({ well: true });
  expect(ended).toBeUndefined();
});

test("a connection that nobody answers leaves a call time for another instance", async () => {
  const silent = createTcpServer();
  silent.listen(0, "127.0.0.1");
  await once(silent, "listening");
  const address = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
  await using server = await serving({ Hello: () => ({ well: true }) });
  expect(await clientOf([address, server.address]).call("greeter", "Greeter.Hello")).toEqual({ well: true });
  silent.close();
});

describe("what may have reached its callee is not asked again, unless it is idempotent:", () => {
  const deaths = {
    "a server that reads and closes": (socket: { end(): void }) => socket.end(),
    "a server that reads and resets the connection": (socket: { resetAndDestroy(): void }) =>
      socket.resetAndDestroy(),
    "a server that goes away after this stream": (socket: { end(bytes: Uint8Array): void }, stream: number) =>
      socket.end(frame(frameTypes.goaway, 0, 0, uint32s(stream, 0))),
  };
  test.each(Object.entries(deaths))("%s", async (_, die) => {
    await using dying = await rawServer((socket, stream) => {
      die(socket, stream);
    });
    await using server = await serving({ Hello: () => ({ well: true }) });
    const client = clientOf([dying.address, server.address]);
    expect(await failure(client.call("greeter", "Greeter.Hello"))).toMatchObject({
      code: "unavailable",
      unsent: false,
    });
    expect(dying.requests()).toBe(1);
    const idempotent = { idempotent: true };
    expect(await client.call("greeter", "Greeter.Hello", {}, idempotent)).toEqual({ well: true });
    expect(dying.requests()).toBe(2);
  });
});

test("a server that comes back is reached at once, though calls have just failed", async () => {
  const first = await serving({ Hello: () => ({ by: "first" }) });
  const { address } = first;
  const client = clientOf([address]);
  expect(await client.call("greeter", "Greeter.Hello")).toEqual({ by: "first" });
  await first[Symbol.asyncDispose]();
  expect((await failure(client.call("greeter", "Greeter.Hello"))).code).toBe("unavailable");
  await using second = await serving({ Hello: () => ({ by: "second" }) }, undefined, address);
  expect(second.address).toBe(address);
  expect(await client.call("greeter", "Greeter.Hello")).toEqual({ by: "second" });
});

test("calls under way end when their pool is closed", async () => {
  const begun = Promise.withResolvers<void>();
  await using server = await serving({
    Wait() {
      begun.resolve();
      return new Promise(() => {});
    },
  });
  const own = createPool(transport);
  const client = createClient({ selector: listed(server.address), pool: own, from: "tester" });
  const call = failure(client.call("greeter", "Greeter.Wait", {}, { timeoutMs: 60_000 }));
  await begun.promise;
  await own[Symbol.asyncDispose]();
  expect((await call).code).toBe("cancelled");
});

test("a cancel goes on through two services, and so does what is left of the deadline", async () => {
  const begun = Promise.withResolvers<number | undefined>();
  const ended = Promise.withResolvers<string>();
  await using last = await serving({
    Wait: (_, { signal, deadline }) => {
      begun.resolve(deadline);
      signal.addEventListener("abort", () => ended.resolve((signal.reason as MicrorunError).code));
      return new Promise(() => {});
    },
  });
  await using middle = await serving(
    { Ask: (_, { client }) => client.call("greeter", "Greeter.Wait", {}, { timeoutMs: 60_000 }) },
    listed(last.address),
  );
  const gone = new AbortController();
  const how = { signal: gone.signal, timeoutMs: 5000 };
  const call = failure(clientOf([middle.address]).call("greeter", "Greeter.Ask", {}, how));
  const deadline = await begun.promise;
  expect(deadline).toBeLessThanOrEqual(Date.now() + 5000);
  gone.abort();
  expect((await call).code).toBe("cancelled");
  expect(await ended.promise).toBe("cancelled");
});

describe.each(targets)("connect(), from $name,", (target) => {
  const job = (body: string) =>
    folder({
      "job.ts": `import { connect, MicrorunError } from "microrun";\nexport default async ({ args }) => {\n${body}\n};\n`,
      "greeter.proto": readFileSync(proto, "utf8"),
    });
  const outcome = async (body: string, ...args: string[]) => {
    using files = job(body);
    return await microrun(target, [join(files.path, "job.ts"), "--", ...args], { cwd: files.path });
  };

  test("calls an address in JSON, without a port of its own", async () => {
    await using server = await serving({
      Hello: ({ name }, { metadata }) => ({ name, from: metadata.get("micro-from-service") }),
    });
    const { code, stdout, stderr } = await outcome(
      `await using client = await connect({ address: args[0], from: "script" });
       console.log(JSON.stringify(await client.call("greeter", "Greeter.Hello", { name: "John" })));`,
      server.address,
    );
    expect([code, stdout, stderr.includes("Listening")]).toEqual([
      0,
      '{"name":"John","from":"script"}\n',
      false,
    ]);
  });

  test.skipIf(without("grpc-go"))("calls in protobuf by a .proto that it is given", async () => {
    const server = await started("grpc-go");
    const { code, stdout } = await outcome(
      `await using client = await connect({ address: args[0], proto: "./greeter.proto", retries: 0, timeoutMs: 2000 });
       for await (const { greeting } of client.stream("greeter", "Greeter.LotsOfReplies", { name: "John" })) console.log(greeting);`,
      server.address,
    );
    await server.stop();
    expect([code, stdout]).toEqual([0, "Hello John\n".repeat(3)]);
  });

  test.skipIf(without("grpc-go"))(
    "and the job's own client, call in protobuf by the module's .proto",
    async () => {
      const server = await started("grpc-go");
      using files = folder({
        "job.ts": `import { connect } from "microrun";
        export const proto = "./greeter.proto";
        export default async ({ client, args: [address] }) => {
          await using own = await connect({ address });
          for (const one of [client, own]) console.log(await one.call("any", "Greeter.Hello", { name: "John" }, { address }));
        };`,
        "greeter.proto": readFileSync(proto, "utf8"),
      });
      const { stdout } = await microrun(target, [join(files.path, "job.ts"), "--", server.address]);
      await server.stop();
      expect(stdout).toBe('{\n  greeting: "Hello John",\n}\n'.repeat(2));
    },
  );

  test("refuses what makes no sense, in its own words", async () => {
    const { code, stdout } = await outcome(
      `for (const options of [null, { timeoutMs: 0 }, { selector: "foo" }, { registry: "loacl" }, { address: "foo" }, { address: "http://a:1" }])
         try { await connect(options); } catch (error) { console.log(error instanceof MicrorunError, error.code, error.message); }`,
    );
    expect([code, stdout.split("\n")]).toEqual([
      0,
      [
        "true invalid_argument connect: its options are no object",
        "true invalid_argument connect: timeoutMs 0: not a number of milliseconds above 0",
        "true invalid_argument connect: selector foo: not known",
        "true invalid_argument connect: registry loacl: not known, did you mean local?",
        'true invalid_argument address "foo": the port is missing',
        'true invalid_argument address "http://a:1": not host:port',
        "",
      ],
    ]);
  });

  test("refuses an option that it does not know", async () => {
    const { code, stdout } = await outcome(
      `try { await connect({ adress: "x:1" }); } catch (error) { console.log(error instanceof MicrorunError, error.message); }`,
    );
    expect([code, stdout]).toEqual([0, "true connect: unknown option adress, did you mean address?\n"]);
  });
});

describe.each(targets)("docs/clients.md, with $name,", (target) => {
  const text = readFileSync(join(import.meta.dir, "../docs/clients.md"), "utf8");
  const snippets = [...text.matchAll(/```ts\n(.*?)```/gs)].map(([, code = ""]) => code);
  const files = folder({ "greeter.proto": readFileSync(proto, "utf8") });
  const env = { XDG_RUNTIME_DIR: files.path };
  let greeter: Running | undefined;
  beforeAll(async () => {
    greeter = await serve(target, [join(import.meta.dir, "fixtures/greeter/greeter.ts")], { env });
  });
  afterAll(async () => {
    await greeter?.[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  const outputs = [
    "Hello John\n",
    "0\n1\n2\n",
    "Hello John, Hello Mary\nHello John\nHello Mary\n",
    "greeter.Hello boom err:404\n",
    '{\n  greeting: "Hello John",\n}\n',
  ];
  test.each(snippets.map((code, i) => ({ i, code })))("snippet $i runs", async ({ i, code }) => {
    writeFileSync(join(files.path, `snippet${i}.ts`), code);
    const outcome = await microrun(target, [`./snippet${i}.ts`], { cwd: files.path, env });
    expect([outcome.stdout, outcome.code]).toEqual([outputs[i] ?? "", 0]);
  });
});

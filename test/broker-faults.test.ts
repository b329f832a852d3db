/** What goes wrong between publishers and subscribers over HTTP: slow, dead, gone and strange ones, and very many messages. */
import { afterAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Message } from "../src/broker/broker.ts";
import { maxRoomMs } from "../src/broker/carrier.ts";
import { brokerService } from "../src/broker/http-directory.ts";
import { maxKept } from "../src/broker/http-lane.ts";
import { memoryBroker } from "../src/broker/memory.ts";
import { createLog, silentLog } from "../src/log.ts";
import { memoryRegistry } from "../src/registry/memory.ts";
import type { Instance } from "../src/registry/registry.ts";
import { openHttpBroker } from "./brokers.ts";
import { folder, microrun, serve, targets } from "./harness.ts";
import { heldBytes } from "./process-memory.ts";

async function until(holds: () => boolean, ms = 10_000): Promise<void> {
  for (const end = Date.now() + ms; !holds(); await Bun.sleep(5))
    if (Date.now() > end) throw new Error(`not so after ${ms} ms: ${holds}`);
}

/** The node of the one subscription that there is. */
async function onlyNode(registry: ReturnType<typeof memoryRegistry>): Promise<Instance> {
  const nodes = (await registry.list()).filter(({ service }) => service === brokerService);
  expect(nodes).toHaveLength(1);
  return nodes[0]!;
}

/** Half of what the messages come to. */
const maxHeldMb = 64;

const utf8 = new TextEncoder();
const envelope = (header: object, body: string): string =>
  JSON.stringify({ Header: header, Body: Buffer.from(body).toString("base64") });

describe("over HTTP", () => {
  test("a message is posted to the byte as Go Micro v5 posts it", async () => {
    const registry = memoryRegistry();
    let got = "";
    using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      async fetch(request) {
        const { pathname, search } = new URL(request.url);
        got = `${request.method} ${pathname}${search} ${request.headers.get("content-type")}\n${await request.text()}`;
        return new Response();
      },
    });
    const id = "greeter.events-86319c81-a07c-43ce-9557-1751bb7dad79";
    await registry.register({
      id,
      service: "micro.http.broker",
      version: "ff.http.broadcast",
      address: `127.0.0.1:${server.port}`,
      metadata: { broker: "http", topic: "greeter.events", secure: "false" },
    });
    await using broker = openHttpBroker({ registry });
    await broker.publish("greeter.events", utf8.encode("\n\u0003ev1"), {
      contentType: "application/grpc+proto",
    });
    await until(() => got !== "");
    expect(got).toBe(
      `POST /?id=${id} application/json\n` +
        '{"Header":{"Content-Type":"application/grpc+proto","Micro-Topic":"greeter.events"},"Body":"CgNldjE="}',
    );
  });

  test("a subscription is registered as Go Micro v5 registers it, and taken back", async () => {
    const registry = memoryRegistry();
    await using broker = openHttpBroker({ registry });
    const subscription = await broker.subscribe("greeter.events", () => {}, { queue: "q" });
    const node = await onlyNode(registry);
    expect(node.id).toMatch(/^greeter\.events-[\da-f-]{36}$/);
    expect(node.address).toMatch(/^127\.0\.0\.1:\d+$/);
    expect([node.service, node.version]).toEqual(["micro.http.broker", "q"]);
    expect(node.metadata).toMatchObject({ broker: "http", topic: "greeter.events", secure: "false" });
    await subscription[Symbol.asyncDispose]();
    expect(await registry.list()).toEqual([]);
  });

  test("what is no message of ours is answered as Go Micro answers it, and the next one is handled", async () => {
    const registry = memoryRegistry();
    await using broker = openHttpBroker({ registry, maxMessageBytes: 1000 });
    const got: unknown[] = [];
    await using _ = await broker.subscribe("t", (payload) => got.push(payload));
    const { id, address } = await onlyNode(registry);
    const json = { "Content-Type": "application/json", "Micro-Topic": "t" };
    const post = async (body: string | ReadableStream, query = `?id=${id}`, headers = {}) => {
      const response = await fetch(`http://${address}/${query}`, { method: "POST", body, headers });
      const text = await response.text();
      return [response.status, text === "" ? "" : JSON.parse(text).detail];
    };
    expect((await fetch(`http://${address}/`)).status).toBe(405);
    expect(await post("{")).toEqual([500, expect.stringContaining("Error parsing request body")]);
    expect(await post('{"a":1}')).toEqual([500, expect.stringContaining("Error parsing request body")]);
    expect(await post(envelope({}, "1"))).toEqual([500, "Topic not found"]);
    expect(await post(envelope({ "Micro-Topic": "u" }, "1"))).toEqual([404, "no such subscriber"]);
    expect(await post(envelope(json, "1"), "?id=x")).toEqual([404, "no such subscriber"]);
    const large = envelope(json, `"${"x".repeat(70_000)}"`);
    expect(await post(large)).toEqual([413, expect.stringContaining("larger than 1000 bytes")]);
    expect(await post(new Blob([large]).stream())).toEqual([413, expect.stringContaining("larger")]);
    // handled: what a subscriber cannot read is its own trouble, as with Go Micro
    expect(await post(envelope({ ...json, "Content-Type": "image/png" }, "1"))).toEqual([200, ""]);
    expect(await post(envelope(json, "{"))).toEqual([200, ""]);
    expect(got).toEqual([]);
    expect(await post(envelope(json, "1"))).toEqual([200, ""]);
    expect(got).toEqual([1]);
  });

  test("a CloudEvent is taken from anybody who posts it to a topic, binary and structured", async () => {
    const registry = memoryRegistry();
    await using broker = openHttpBroker({ registry });
    const got: unknown[] = [];
    const keep = (payload: unknown, { event }: { event?: { id: string } }) => got.push([event?.id, payload]);
    await using _ = await broker.subscribe("t", keep, { queue: "q" });
    const { address } = await onlyNode(registry);
    const binary = { "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/a", "ce-type": "x" };
    const post = (body: string, headers: Record<string, string>, topic = "t") =>
      fetch(`http://${address}/?topic=${topic}`, { method: "POST", body, headers }).then(
        ({ status }) => status,
      );
    expect(await post('{"n":1}', { ...binary, "content-type": "application/json" })).toBe(200);
    const document = { specversion: "1.0", id: "2", source: "/a", type: "x", data: { n: 2 } };
    const structured = { "content-type": "application/cloudevents+json" };
    expect(await post(JSON.stringify(document), structured)).toBe(200);
    expect(await post("{}", structured, "nobody")).toBe(404);
    expect(got).toEqual([
      ["1", { n: 1 }],
      ["2", { n: 2 }],
    ]);
  });

  test("a slow subscriber does not hold up the others", async () => {
    const registry = memoryRegistry();
    await using broker = openHttpBroker({ registry, drainTimeoutMs: 50 });
    let [fast, slow] = [0, 0];
    await using _a = await broker.subscribe("t", () => fast++);
    await using _b = await broker.subscribe("t", () => Bun.sleep(100).then(() => slow++), { concurrency: 1 });
    for (let n = 0; n < 300; n++) await broker.publish("t", n);
    await until(() => fast === 300, 2000);
    expect(slow).toBeLessThan(30);
  });

  test(
    "a publisher far ahead of its subscribers is held up, and refused in the end",
    async () => {
      const registry = memoryRegistry();
      await using broker = openHttpBroker({ registry, drainTimeoutMs: 50 });
      await using _ = await broker.subscribe(
        "t",
        (_: unknown, { signal }: Message) => new Promise((end) => signal.addEventListener("abort", end)),
      );
      const body = new Uint8Array(1024 * 1024);
      const began = Date.now();
      const flood = async () => {
        for (let n = 0; n < 200; n++) await broker.publish("t", body);
      };
      await expect(flood()).rejects.toMatchObject({ code: "resource_exhausted" });
      expect(Date.now() - began).toBeGreaterThan(maxRoomMs - 100);
    },
    maxRoomMs * 4,
  );

  test("of a queue with a dead member that is still registered, every message is handled", async () => {
    const registry = memoryRegistry();
    const lines: string[] = [];
    await using broker = openHttpBroker({ registry, log: createLog({ write: (line) => lines.push(line) }) });
    const got: number[] = [];
    await using _ = await broker.subscribe("t", (n) => got.push(n), { queue: "q" });
    const node = await onlyNode(registry);
    await registry.register({ ...node, id: "t-dead", address: "127.0.0.1:1" });
    for (let n = 0; n < 40; n++) await broker.publish("t", n);
    await until(() => got.length === 40);
    expect(got.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, n) => n));
    // the other member is asked at once
    expect(lines.join("\n")).not.toContain("kept");
  });

  test("a dead subscriber holds up nobody, and is given up when the registry forgets it", async () => {
    const registry = memoryRegistry();
    const lines: string[] = [];
    const log = createLog({ write: (line) => lines.push(line) });
    await using broker = openHttpBroker({ registry, log });
    let count = 0;
    await using _ = await broker.subscribe("t", () => count++);
    const node = await onlyNode(registry);
    const dead = await registry.register({ ...node, id: "t-dead", address: "127.0.0.1:1" });
    for (let n = 0; n < 100; n++) await broker.publish("t", n);
    await until(() => count === 100);
    await until(() => /kept: no subscriber takes them/.test(lines.join("\n")));
    await dead[Symbol.asyncDispose]();
    await until(() => /messages of t were not taken/.test(lines.join("\n")));
  });

  test("what a queue's only subscriber misses while it is away is kept, up to a bound", async () => {
    const registry = memoryRegistry();
    await using publisher = openHttpBroker({ registry });
    const got: number[] = [];
    const keep = (n: number) => got.push(n);
    {
      await using before = openHttpBroker({ registry });
      await using _ = await before.subscribe("t", keep, { queue: "q" });
      await publisher.publish("t", 0);
      await until(() => got.length === 1);
    }
    for (let n = 1; n <= maxKept * 2; n++) await publisher.publish("t", n);
    await using after = openHttpBroker({ registry });
    await using _ = await after.subscribe("t", keep, { queue: "q" });
    await until(() => got.length >= maxKept);
    await Bun.sleep(50);
    // those under way when it was noticed are kept beside the bound
    expect(got.length).toBeWithin(maxKept, maxKept + 20);
    expect(got).toContain(1);
  });

  test("100,000 messages reach a queue's 10 subscribers, in bounded memory", async () => {
    const registry = memoryRegistry();
    await using broker = openHttpBroker({ registry });
    await using stack = new AsyncDisposableStack();
    let [count, most] = [0, 0];
    const handler = () => {
      if (count++ % 5000 === 0) most = Math.max(most, heldBytes());
    };
    for (let n = 0; n < 10; n++) stack.use(await broker.subscribe("t", handler, { queue: "q" }));
    const before = heldBytes();
    const text = "x".repeat(1000);
    for (let n = 0; n < 100_000; n++) await broker.publish("t", { n, text });
    await until(() => count === 100_000, 60_000);
    expect((most - before) / 2 ** 20).toBeLessThan(maxHeldMb);
  }, 120_000);
});

test("100,000 messages reach 10 subscribers in memory, which stays bounded", async () => {
  const broker = memoryBroker(silentLog);
  await using stack = new AsyncDisposableStack();
  let [count, most] = [0, 0];
  const handler = async () => {
    if (count++ % 50_000 === 0) most = Math.max(most, heldBytes());
    await null;
  };
  for (let n = 0; n < 10; n++) stack.use(await broker.subscribe("t", handler));
  const before = heldBytes();
  const text = "x".repeat(1000);
  for (let n = 0; n < 100_000; n++) await broker.publish("t", { n, text });
  await until(() => count === 1_000_000);
  // all of them at once would be a gigabyte
  expect((most - before) / 2 ** 20).toBeLessThan(maxHeldMb);
}, 120_000);

const modules = folder({
  "worker.ts": `
    import { appendFileSync } from "node:fs";
    const { LOG, SLOW, BUSY } = process.env;
    export default {
      name: "worker",
      subscribe: {
        jobs: async (job) => {
          console.log("begun " + job);
          if (BUSY) await new Promise((done) => setTimeout(done, BUSY));
          if (SLOW) await new Promise(() => setTimeout(() => {}, 60_000));
          appendFileSync(LOG, job + "\\n");
        },
      },
    };`,
  "boss.ts": `
    export default async ({ broker, signal, args: [count = 20, ms = 0] }) => {
      for (let n = 0; !signal.aborted && n < count; n++) {
        await broker.publish("jobs", "job" + n);
        if (ms > 0) await new Promise((later) => setTimeout(later, ms));
      }
      console.log("published");
      await new Promise((end) => signal.addEventListener("abort", end));
    };`,
});
afterAll(() => modules[Symbol.dispose]());

describe.each(targets.map((target) => [target.name, target] as const))("%s", (_, target) => {
  test("what a killed subscriber was at work on is handled by another of its queue", async () => {
    using at = folder();
    const log = join(at.path, "done");
    const env = { XDG_RUNTIME_DIR: at.path, LOG: log };
    const worker = join(modules.path, "worker.ts");
    const slow = await serve(target, [worker], { env: { ...env, SLOW: "1" } });
    await using boss = await serve(target, [join(modules.path, "boss.ts")], {
      env,
      until: /published/,
      ownAddress: false,
    });
    await slow.logged(/begun job\d+/);
    await using _fast = await serve(target, [worker], { env });
    slow.signal("SIGKILL");
    await slow.exited;
    const done = () =>
      Bun.file(log)
        .text()
        .catch(() => "");
    for (const end = Date.now() + 10_000; Date.now() < end; await Bun.sleep(20))
      if ((await done()).split("\n").length > 20) break;
    const all = Array.from({ length: 20 }, (_, n) => `job${n}`);
    expect((await done()).trim().split("\n").sort()).toEqual(all.sort());
    expect(boss.log()).not.toMatch(/error/);
  });

  test("a service that neither publishes nor subscribes opens no port for events", async () => {
    using dir = folder({ "quiet.ts": "export default { Greeter: { Hello: () => ({}) } };" });
    await using running = await serve(target, [join(dir.path, "quiet.ts")], {
      env: { XDG_RUNTIME_DIR: dir.path },
    });
    expect(running.log()).not.toMatch(/Broker/);
  });

  test("a subscription to a message that no .proto has is refused, with what to do", async () => {
    using dir = folder({
      "bad.ts": `export default { name: "bad", subscribe: { t: { type: "a.B", handler: () => {} } } };`,
    });
    const started = serve(target, [join(dir.path, "bad.ts")], { env: { XDG_RUNTIME_DIR: dir.path } });
    await expect(started).rejects.toThrow("subscribe to t: no protobuf message a.B");
  });

  test("a rolling restart loses no message and handles none twice", async () => {
    using at = folder();
    const log = join(at.path, "done");
    const env = { XDG_RUNTIME_DIR: at.path, LOG: log };
    const worker = join(modules.path, "worker.ts");
    const first = await serve(target, [worker], { env: { ...env, BUSY: "20" } });
    await using _boss = await serve(target, [join(modules.path, "boss.ts"), "--", "400", "5"], {
      env,
      until: /Starting/,
      ownAddress: false,
    });
    await first.logged(/begun job/);
    await using _second = await serve(target, [worker], { env });
    first.signal("SIGTERM");
    expect(await first.exited).toBe(0);
    const done = async () =>
      (
        await Bun.file(log)
          .text()
          .catch(() => "")
      )
        .trim()
        .split("\n");
    for (const end = Date.now() + 15_000; (await done()).length < 400 && Date.now() < end; )
      await Bun.sleep(20);
    expect((await done()).sort()).toEqual(Array.from({ length: 400 }, (_, n) => `job${n}`).sort());
  });

  test("an address that the broker cannot have is refused at the start, and no password is told", async () => {
    using dir = folder({ "quiet.ts": "export default { Greeter: { Hello: () => ({}) } };" });
    const asked = async (...flags: string[]) => {
      const { code, stderr } = await microrun(target, [join(dir.path, "quiet.ts"), ...flags]);
      expect(code).toBe(2);
      expect(stderr).not.toContain("s3cret");
      return stderr;
    };
    expect(await asked("--broker_address=nats://ann:s3cret@host")).toContain("hint: add --broker=nats");
    expect(await asked("--broker_address=host")).toContain("the port is missing");
    expect(await asked("--broker=nats", "--broker_address=http://ann:s3cret@host")).toContain(
      "is not for NATS",
    );
    expect(await asked("--broker=nats", "--broker_address=nats://ann:s3cret@host:x")).toContain(
      "not an address",
    );
  });
});

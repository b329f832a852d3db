/** NATS at its worst, on a real nats-server: killed and back, far behind, strange messages, refused and secured connections. */
import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import type { Message, OpenBroker } from "../src/broker/broker.ts";
import { natsBroker } from "../src/broker/nats.ts";
import { createLog, silentLog } from "../src/log.ts";
import { makeAuthority } from "./certificate.ts";
import { folder, serve, targets } from "./harness.ts";
import { natsBinary, startNats } from "./nats-server.ts";

const path = await natsBinary();
const open = (address: string, options: { lines?: string[]; source?: string } = {}): Promise<OpenBroker> => {
  const { lines, source = "/test" } = options;
  const log = lines === undefined ? silentLog : createLog({ write: (line) => lines.push(line) });
  return natsBroker({ addresses: [address], log, source });
};

async function until(holds: () => boolean, ms = 20_000): Promise<void> {
  for (const end = Date.now() + ms; !holds(); await Bun.sleep(5))
    if (Date.now() > end) throw new Error(`not so after ${ms} ms: ${holds}`);
}

describe.skipIf(path === undefined)("NATS", () => {
  test("nothing that was acknowledged is lost when the server is killed, with JetStream", async () => {
    await using server = await startNats(path!);
    const address = `${server.url}?jetstream=EVENTS`;
    await using publisher = await open(address);
    await using subscriber = await open(address);
    const got = new Set<number>();
    await using _ = await subscriber.subscribe("jobs", (n: number) => got.add(n), { queue: "q" });
    const acknowledged: number[] = [];
    let killed: Promise<void> | undefined;
    for (let n = 0; n < 600; n++) {
      if (n === 200 || n === 400) killed = server.kill().then(() => server.start());
      await publisher.publish("jobs", n).then(
        () => acknowledged.push(n),
        () => {},
      );
    }
    await killed;
    expect(acknowledged.length).toBeGreaterThan(550);
    await until(() => acknowledged.every((n) => got.has(n)));
  }, 60_000);

  test("what a killed process was at work on is handled by another, with JetStream", async () => {
    await using server = await startNats(path!);
    using dir = folder({
      "worker.ts": `
        export default {
          name: "worker",
          subscribe: { jobs: (job) => { console.log("begun " + job); return new Promise(() => setTimeout(() => {}, 60_000)); } },
        };`,
    });
    const address = `${server.url}?jetstream=EVENTS`;
    const flags = ["--broker=nats", `--broker_address=${address}`];
    const running = await serve(targets[0]!, [join(dir.path, "worker.ts"), ...flags], {
      env: { XDG_RUNTIME_DIR: dir.path },
    });
    await using broker = await open(address);
    await broker.publish("jobs", "one");
    await running.logged(/begun one/);
    running.signal("SIGKILL");
    await running.exited;
    const got: [string, number][] = [];
    const keep = (job: string, { attempt }: Message) => got.push([job, attempt]);
    await using _ = await broker.subscribe("jobs", keep, { queue: "worker" });
    await until(() => got.length === 1, 40_000);
    expect(got).toEqual([["one", 2]]);
  }, 60_000);

  test("a message comes again after a wait that doubles, with JetStream", async () => {
    await using server = await startNats(path!);
    await using broker = await open(`${server.url}?jetstream=EVENTS`);
    const times: number[] = [];
    const fail = () => {
      times.push(performance.now());
      throw new Error("no");
    };
    await using _ = await broker.subscribe("jobs", fail, { retry: { attempts: 4, backoffMs: 100 } });
    await broker.publish("jobs", 1);
    await until(() => times.length === 4);
    // a quarter less or more of 100, 200 and 400
    const waits = times.slice(1).map((time, n) => time - times[n]!);
    for (const [n, least] of [70, 145, 295].entries()) expect(waits[n]).toBeGreaterThan(least);
  }, 30_000);

  test("a handler that takes longer than the server waits keeps its message, with JetStream", async () => {
    await using server = await startNats(path!);
    await using broker = await open(`${server.url}?jetstream=EVENTS`);
    let count = 0;
    const slow = () => {
      count++;
      return Bun.sleep(20_000);
    };
    await using _ = await broker.subscribe("jobs", slow, { queue: "q", concurrency: 2 });
    await broker.publish("jobs", 1);
    await Bun.sleep(19_000);
    expect(count).toBe(1);
  }, 60_000);

  test("messages published while a queue has no subscriber wait for it, with JetStream", async () => {
    await using server = await startNats(path!);
    await using broker = await open(`${server.url}?jetstream=EVENTS`);
    const got: number[] = [];
    const keep = (n: number) => got.push(n);
    await (await broker.subscribe("jobs", keep, { queue: "q" }))[Symbol.asyncDispose]();
    for (let n = 0; n < 100; n++) await broker.publish("jobs", n);
    await using _ = await broker.subscribe("jobs", keep, { queue: "q", concurrency: 1 });
    await until(() => got.length === 100);
    expect(got).toEqual(Array.from({ length: 100 }, (_, n) => n));
  }, 30_000);

  test("topics of two services come into one stream, whoever is first", async () => {
    await using server = await startNats(path!);
    const address = `${server.url}?jetstream=EVENTS`;
    await using stack = new AsyncDisposableStack();
    const got: string[] = [];
    const topics = ["a", "b", "c", "d", "e", "f"];
    const brokers = await Promise.all(topics.map(async () => stack.use(await open(address))));
    await Promise.all(
      brokers.map(async (broker, n) => stack.use(await broker.subscribe(topics[n]!, (who) => got.push(who)))),
    );
    await Promise.all(brokers.map((broker, n) => broker.publish(topics[n]!, topics[n])));
    await until(() => got.length === topics.length);
    expect(got.sort()).toEqual(topics);
  }, 30_000);

  test("without JetStream a publisher waits for the server, then is told; both sides find it again", async () => {
    await using server = await startNats(path!, { jetstream: false });
    const lines: string[] = [];
    await using broker = await open(server.url, { lines });
    const got: number[] = [];
    await using _ = await broker.subscribe("t", (n) => got.push(n));
    await broker.publish("t", 1);
    await until(() => got.length === 1);
    await server.kill();
    await until(() => broker.trouble() !== undefined);
    await expect(broker.publish("t", 2)).rejects.toMatchObject({ code: "unavailable" });
    const waiting = broker.publish("t", 3);
    await server.start();
    await waiting;
    await until(() => got.includes(3));
    expect(broker.trouble()).toBeUndefined();
    expect(lines.join("\n")).toContain("no connection to NATS at 127.0.0.1");
  }, 40_000);

  test("a service starts while its server is away, and hears when it comes", async () => {
    await using server = await startNats(path!, { jetstream: false });
    await server.kill();
    await using broker = await open(server.url);
    const got: number[] = [];
    await using _ = await broker.subscribe("t", (n) => got.push(n));
    await server.start();
    await broker.publish("t", 1);
    await until(() => got.length === 1);
  }, 40_000);

  test("100,000 messages reach 10 subscribers, in bounded memory", async () => {
    await using server = await startNats(path!, { jetstream: false });
    await using publisher = await open(server.url);
    await using stack = new AsyncDisposableStack();
    let [count, most] = [0, 0];
    const handler = () => {
      if (count++ % 10_000 === 0) most = Math.max(most, process.memoryUsage.rss());
    };
    for (let n = 0; n < 10; n++) {
      const broker = stack.use(await open(server.url));
      stack.use(await broker.subscribe("t", handler));
    }
    Bun.gc(true);
    const before = process.memoryUsage.rss();
    for (let n = 0; n < 100_000; n++) await publisher.publish("t", { n });
    await until(() => count === 1_000_000, 90_000);
    expect((most - before) / 2 ** 20).toBeLessThan(512);
  }, 120_000);

  test("a publisher goes at the pace of the server", async () => {
    await using server = await startNats(path!, { jetstream: false });
    await using broker = await open(server.url);
    await broker.publish("t", 1);
    Bun.gc(true);
    const before = process.memoryUsage.rss();
    let most = 0;
    const body = new Uint8Array(500_000);
    for (let n = 0; n < 600; n++) {
      await broker.publish("t", body);
      most = Math.max(most, process.memoryUsage.rss());
    }
    expect((most - before) / 2 ** 20).toBeLessThan(200);
  }, 60_000);

  test("a subscriber far behind loses messages and says so, and its memory stays bounded", async () => {
    await using server = await startNats(path!, { jetstream: false });
    const lines: string[] = [];
    const broker = await natsBroker({
      addresses: [server.url],
      log: createLog({ write: (line) => lines.push(line) }),
      drainTimeoutMs: 50,
    });
    await using publisher = await open(server.url);
    const stuck = (_: unknown, { signal }: Message) =>
      new Promise((end) => signal.addEventListener("abort", end));
    {
      await using _ = await broker.subscribe("t", stuck);
      const body = new Uint8Array(100_000);
      for (let n = 0; n < 400; n++) await publisher.publish("t", body);
      await until(() => /messages of t are lost/.test(lines.join("\n")));
    }
    await broker[Symbol.asyncDispose]();
  }, 30_000);

  test("messages written by hand, by the CloudEvents binding and by no rule at all", async () => {
    await using server = await startNats(path!, { jetstream: false });
    await using raw: NatsConnection & AsyncDisposable = await connect({ servers: server.host });
    await using broker = await open(server.url);
    const got: unknown[] = [];
    const dead: unknown[] = [];
    await using _a = await broker.subscribe(
      "dead",
      (_, { header }) => dead.push(header["Dead-Letter-Reason"]),
      {
        type: "bytes",
      },
    );
    await using _b = await broker.subscribe(
      "t.*",
      (payload, { topic, event }) => got.push([topic, payload, event?.id]),
      {
        deadLetter: "dead",
        concurrency: 1,
      },
    );
    raw.publish("t.hand", '{"a":1}');
    raw.publish("t.broken", '{"Header":');
    raw.publish("t.empty", "");
    const { headers } = await import("@nats-io/transport-node");
    const binary = headers();
    for (const [name, value] of [
      ["ce-specversion", "1.0"],
      ["ce-id", "7"],
      ["ce-source", "/a"],
      ["ce-type", "x"],
      ["content-type", "application/json"],
    ] as const)
      binary.set(name, value);
    raw.publish("t.binary", '{"b":2}', { headers: binary });
    const heard = raw.subscribe("out", { max: 1 });
    await raw.flush();
    await until(() => got.length === 2 && dead.length === 2);
    expect(got).toEqual([
      ["t.hand", { a: 1 }, undefined],
      ["t.binary", { b: 2 }, "7"],
    ]);
    expect(dead).toEqual([expect.stringContaining("not JSON"), expect.stringContaining("not JSON")]);
    // others of the binding read what we publish as an event
    await broker.publish("out", { c: 3 }, { cloudEvent: { type: "x" }, key: "8" });
    for await (const message of heard) {
      expect(message.headers?.get("ce-id")).toBe("8");
      expect(message.headers?.get("ce-source")).toBe("/test");
      expect(message.json<object>()).toEqual({ c: 3 });
    }
  }, 30_000);

  test("a topic that is no subject, and a message larger than the server takes, are refused", async () => {
    await using server = await startNats(path!);
    for (const address of [server.url, `${server.url}?jetstream=EVENTS`]) {
      await using broker = await open(address);
      await expect(broker.publish("a..b", 1)).rejects.toThrow("a..b is no subject of NATS'");
      await expect(broker.publish("a.*", 1)).rejects.toThrow("a.* is no subject of NATS'");
      const large = new Uint8Array(2 * 1024 * 1024);
      await expect(broker.publish("a", large)).rejects.toMatchObject({ code: "resource_exhausted" });
    }
  }, 30_000);

  test("a password is asked for, and never told", async () => {
    await using server = await startNats(path!, { args: ["--user", "ann", "--pass", "s3cret"] });
    const lines: string[] = [];
    {
      await using good = await open(`nats://ann:s3cret@${server.host}`);
      await good.publish("t", 1);
    }
    {
      await using bad = await open(`nats://ann:wr0ng@${server.host}`, { lines });
      await expect(bad.publish("t", 1)).rejects.toThrow(/no connection to NATS at 127.*Authorization/i);
    }
    expect(lines.join("\n")).toMatch(/authorization/i);
    expect(lines.join("\n")).not.toMatch(/s3cret|wr0ng/);
  }, 30_000);

  test("TLS is spoken with the authority named, a client's certificate shown, and refused without", async () => {
    using dir = folder();
    const signer = makeAuthority();
    const pem = (name: string, text: string): string => {
      writeFileSync(join(dir.path, name), text);
      return join(dir.path, name);
    };
    const pair = signer.issue({ name: "nats" });
    const [ca, cert, key] = [pem("ca", signer.cert), pem("cert", pair.cert), pem("key", pair.key)];
    const args = ["--tlsverify", "--tlscert", cert, "--tlskey", key, "--tlscacert", ca];
    await using server = await startNats(path!, { args });
    {
      await using broker = await open(`tls://${server.host}?ca=${ca}&cert=${cert}&key=${key}`);
      const got: number[] = [];
      await using _ = await broker.subscribe("t", (n) => got.push(n));
      await broker.publish("t", 1);
      await until(() => got.length === 1);
    }
    await using stranger = await open(`tls://${server.host}`);
    await expect(stranger.publish("t", 1)).rejects.toMatchObject({ code: "unavailable" });
  }, 30_000);
});

const shop = folder({
  "shop.ts": `
    export default {
      name: "shop",
      subscribe: {
        orders: { handler: (order) => console.log("order " + order.n), retry: { attempts: 2, backoffMs: 10 } },
        broken: { handler: () => { throw new Error("no stock"); }, retry: { attempts: 2, backoffMs: 10 }, deadLetter: "dead" },
        dead: (order, { header }) => console.log("dead " + order.n + " after " + header["Dead-Letter-Attempts"]),
      },
      start: ({ broker }) => void setTimeout(async () => {
        await broker.publish("orders", { n: 1 });
        await broker.publish("broken", { n: 2 });
      }, 200),
    };`,
});
afterAll(() => shop[Symbol.dispose]());

describe.skipIf(path === undefined).each(targets.map((target) => [target.name, target] as const))(
  "%s",
  (_, target) => {
    test.each(["", "?jetstream=EVENTS"])(
      "a service publishes and subscribes over nats://…%s",
      async (query) => {
        await using server = await startNats(path!);
        const flags = ["--broker=nats", `--broker_address=${server.url}${query}`];
        await using running = await serve(target, [join(shop.path, "shop.ts"), ...flags]);
        await running.logged(/order 1/);
        await running.logged(/dead 2 after 2/);
        running.signal("SIGTERM");
        expect(await running.exited).toBe(0);
        expect(running.log()).toContain("Subscribed [nats] to orders");
      },
    );
  },
);

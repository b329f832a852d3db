/** Multicast DNS with a real go-micro v5, in a network of their own: each finds and calls the other, and sees it come and go. */
import { afterAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { folder, greeter, microrun, serve, type Target, targets } from "./harness.ts";
import { openNetwork } from "./network.ts";
import { peer } from "./peers.ts";

const v5 = await peer("v5");

const opened = v5 === undefined ? "there is no Go Micro" : openNetwork();
if (typeof opened === "string") {
  if (process.env.CI === "true") throw new Error(`mdns: ${opened}`);
  console.warn(`skipped: multicast DNS with Go Micro, as ${opened}`);
}
const network = typeof opened === "string" ? undefined : opened;
afterAll(() => network?.[Symbol.dispose]());

const caller = folder({
  "caller.ts": `
    export default async ({ client, args }) => {
      for (const name of args) console.log(JSON.stringify(await client.call("greeter", "Greeter.Hello", { name })));
    };`,
});
afterAll(() => caller[Symbol.dispose]());

const serveOfV5 = () =>
  Bun.spawn(network!.theirs([v5!, "serve", "--address", "10.99.0.2:0", "--registry", "mdns"]), {
    stdout: "pipe",
    stderr: "ignore",
  });

/** What v5's client says when it has looked for the greeter and called it. */
async function callOfV5(): Promise<{ reply?: { greeting: string }; error?: { detail: string } }> {
  const child = Bun.spawn(
    network!.theirs([v5!, "call", "--registry", "mdns", "--name", "v5", "--retries", "0"]),
    {
      stdout: "pipe",
      stderr: "ignore",
    },
  );
  return JSON.parse(await new Response(child.stdout).text());
}

/** The lines that a process writes, one after the other. */
async function* linesOf(stdout: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of stdout) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

/** v5's subscriber of a topic: the lines that it has written, once they are so many. */
function subscribeV5(topic: string) {
  const child = Bun.spawn(
    network!.theirs([
      ...[v5!, "subscribe", "--broker=http", "--registry=mdns", `--topic=${topic}`],
      ...["--broker-address=10.99.0.2:0", "--address=10.99.0.2:0"],
    ]),
    { stdout: "pipe", stderr: "ignore" },
  );
  const lines: string[] = [];
  const told = linesOf(child.stdout);
  return {
    async said(count: number): Promise<string[]> {
      while (lines.length < count) {
        const { value, done } = await told.next();
        if (done) throw new Error(`the subscriber ended after ${lines.length} lines`);
        lines.push(value);
      }
      return lines;
    },
    async stop(): Promise<void> {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

describe.skipIf(network === undefined)("multicast DNS with Go Micro v5", () => {
  describe.each(targets.map((target) => [target.name, target] as const))("%s", (_, target) => {
    const inside: Target = { name: target.name, command: network?.ours(target.command) ?? [] };

    test("a Go client finds and calls our greeter, and misses it when it has gone", async () => {
      expect((await callOfV5()).error?.detail).toMatch(/not found/);
      await using running = await serve(inside, [greeter, "--registry=mdns", "--server_address=10.99.0.1:0"]);
      expect((await callOfV5()).reply).toEqual({ greeting: "Hello v5!" });
      running.signal("SIGTERM");
      expect(await running.exited).toBe(0);
      expect((await callOfV5()).error?.detail).toMatch(/not found/);
    });

    test("a Go watcher is told when our greeter comes and goes", async () => {
      const watching = Bun.spawn(network!.theirs([v5!, "watch", "--registry", "mdns"]), {
        stdout: "pipe",
        stderr: "ignore",
      });
      try {
        const events = linesOf(watching.stdout);
        const id = `greeter-${crypto.randomUUID()}`;
        const started = serve(inside, [
          greeter,
          "--registry=mdns",
          "--server_address=10.99.0.1:0",
          `--server_id=${id}`,
        ]);
        const next = async (action: string) => {
          for (;;) {
            const { value = "", done } = await events.next();
            if (done) throw new Error(`the watch ended before the ${action}`);
            const event = JSON.parse(value);
            if (event.id === id && event.action === action) return event;
          }
        };
        await using running = await started;
        const come = await next("create");
        expect(come.address).toBe(running.address());
        const message = (name: string, field: string) => ({
          name,
          type: name,
          values: [{ name: field, type: "string", values: null }],
        });
        expect(come.endpoints).toEqual([
          {
            name: "Greeter.Hello",
            request: message("HelloRequest", "name"),
            response: message("HelloResponse", "greeting"),
            metadata: {},
          },
        ]);
        running.signal("SIGTERM");
        expect(await next("delete")).toMatchObject({ id });
      } finally {
        watching.kill("SIGKILL");
        await watching.exited;
      }
    });

    test("our client finds and calls a Go greeter", async () => {
      const served = serveOfV5();
      try {
        await linesOf(served.stdout).next();
        const { code, stdout, stderr } = await microrun(inside, [
          `${caller.path}/caller.ts`,
          "--registry=mdns",
          "--",
          "ours",
        ]);
        expect({ code, stdout, stderr: code === 0 ? "" : stderr }).toEqual({
          code: 0,
          stdout: '{"greeting":"Hello ours"}\n',
          stderr: "",
        });
      } finally {
        served.kill("SIGKILL");
        await served.exited;
      }
    });

    test("what register announces is there for others as long as the command runs", async () => {
      const db = '{"name":"db","version":"1","nodes":[{"id":"db-1","address":"10.99.0.1:9090"}]}';
      const options = { ownAddress: false, until: /as long as this runs/ };
      await using running = await serve(inside, ["register", db, "--registry=mdns"], options);
      const get = () => microrun(inside, ["get", "db", "--registry=mdns"]);
      expect((await get()).stdout).toContain("db-1\t10.99.0.1\t9090");
      running.signal("SIGTERM");
      expect(await running.exited).toBe(0);
      expect((await get()).code).toBe(1);
    });

    test("our processes find each other", async () => {
      await using _ = await serve(inside, [greeter, "--registry=mdns", "--server_address=10.99.0.1:0"]);
      const { code, stdout } = await microrun(inside, [
        `${caller.path}/caller.ts`,
        "--registry=mdns",
        "--",
        "a",
        "b",
      ]);
      expect({ code, stdout }).toEqual({
        code: 0,
        stdout: '{"greeting":"Hello a!"}\n{"greeting":"Hello b!"}\n',
      });
    });
  });

  describe.each(targets.map((target) => [target.name, target] as const))("%s", (_, target) => {
    test("the first message of a process reaches every subscriber, Go's too, whoever answers first", async () => {
      const command = network?.ours(target.command) ?? [];
      const flags = ["--registry=mdns", "--broker_address=10.99.0.1:0"];
      const options = { ownAddress: false, until: /subscribed to/ };
      const subscribed = (topic: string) =>
        serve({ name: target.name, command }, ["subscribe", topic, ...flags], options);
      await using stack = new AsyncDisposableStack();
      const ours = await Promise.all([1, 2, 3].map(() => subscribed("b")));
      for (const one of [...ours, await subscribed("another")]) stack.use(one);
      const v5 = subscribeV5("b");
      stack.defer(() => v5.stop());
      await v5.said(1);
      const names = ["n1", "n2", "n3"];
      for (const name of names) {
        const said = await microrun({ name: target.name, command }, [
          ...["publish", "b", JSON.stringify({ name }), ...flags],
        ]);
        expect(said).toMatchObject({ code: 0, stderr: "" });
      }
      for (const one of ours) {
        await one.logged(/"n3"/);
        expect([...one.stdout().matchAll(/"name":"(n\d)"/g)].map(([, name]) => name)).toEqual(names);
      }
      expect((await v5.said(4)).slice(1).map((line) => JSON.parse(line).name)).toEqual(names);
    }, 60_000);
  });

  test("a watcher sees a Go service come with what it tells of itself, and go", async () => {
    const driver = join(import.meta.dir, "fixtures/registry-driver.ts");
    const watching = Bun.spawn(network!.ours([process.execPath, driver, "greeter"]), {
      stdout: "pipe",
      stderr: "ignore",
    });
    const snapshots = linesOf(watching.stdout);
    const next = async (count: number) => {
      for (;;) {
        const { value = "", done } = await snapshots.next();
        if (done) throw new Error("the watch ended");
        const instances = JSON.parse(value);
        if (instances.length === count) return instances;
      }
    };
    await next(0);
    const served = serveOfV5();
    try {
      const [seen] = await next(1);
      expect(seen.id).toStartWith("greeter-");
      expect(seen.address).toStartWith("10.99.0.2:");
      expect(seen.endpoints.map(({ name }: { name: string }) => name)).toContain("Greeter.Hello");
      served.kill("SIGTERM");
      await next(0);
    } finally {
      served.kill("SIGKILL");
      watching.kill("SIGKILL");
      await Promise.all([served.exited, watching.exited]);
    }
  });
});

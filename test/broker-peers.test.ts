/** Events with real Go Micro services: v5 over its HTTP broker and NATS, v2.3.0 over NATS; each hears what the other publishes. */
import { afterAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { folder, microrun, serve, type Target, targets } from "./harness.ts";
import { natsBinary, startNats } from "./nats-server.ts";
import { openNetwork } from "./network.ts";
import { peer } from "./peers.ts";

const [v2, v5, nats] = [await peer("v2"), await peer("v5"), await natsBinary()];
const server = nats === undefined ? undefined : await startNats(nats, { jetstream: false });
afterAll(() => server?.[Symbol.asyncDispose]());

const opened = v5 === undefined ? "there is no Go Micro" : openNetwork();
if (typeof opened === "string") {
  if (process.env.CI === "true") throw new Error(`HTTP broker: ${opened}`);
  console.warn(`skipped: the HTTP broker with Go Micro, as ${opened}`);
}
const network = typeof opened === "string" ? undefined : opened;
afterAll(() => network?.[Symbol.dispose]());

const topic = "greeter.events";
const modules = folder({
  "events.proto": `
    syntax = "proto3";
    package greeter;
    message HelloRequest { string name = 1; }`,
  "listener.ts": `
    const tell = (who) => (payload, { header }) => console.log(JSON.stringify({ who, payload, header }));
    export default {
      proto: "./events.proto",
      subscribe: { "${topic}": { type: "greeter.HelloRequest", handler: tell("listener") } },
    };`,
  "publisher.ts": `
    export const proto = "./events.proto";
    export default async ({ broker, args: [contentType, ...names] }) => {
      const options = { type: "greeter.HelloRequest", contentType, metadata: { "X-Foo": "bar" } };
      for (const name of names) await broker.publish("${topic}", { name }, options);
    };`,
});
afterAll(() => modules[Symbol.dispose]());
const file = (name: string): string => join(modules.path, name);

/** A listener of Go's: what it says, line by line. */
interface Listener extends AsyncDisposable {
  next(): Promise<{ name?: string; metadata?: Record<string, string>; listening?: string }>;
}

function listen(command: readonly string[]): Listener {
  const child = Bun.spawn([...command], { stdio: ["ignore", "pipe", "ignore"] });
  const lines = linesOf(child.stdout);
  return {
    async next() {
      const { value = "{}" } = await lines.next();
      return JSON.parse(value);
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.exited;
    },
  };
}

async function* linesOf(stdout: ReadableStream<Uint8Array>): AsyncGenerator<string, string | undefined> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of stdout) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    // v2 writes its log there too
    yield* lines.filter((line) => line.startsWith("{"));
  }
  return undefined;
}

async function go(command: readonly string[]): Promise<void> {
  const child = Bun.spawn([...command], { stdio: ["ignore", "ignore", "pipe"] });
  const said = await new Response(child.stderr).text();
  if ((await child.exited) !== 0) throw new Error(said);
}

/** How a Go peer and we meet. */
interface Meeting {
  readonly name: string;
  readonly there: boolean;
  readonly go: (...args: string[]) => string[];
  readonly target: (target: Target) => Target;
  readonly flags: readonly string[];
}

const overNats = (name: string, path: string | undefined): Meeting => ({
  name: `${name} over NATS`,
  there: path !== undefined && server !== undefined,
  go: (command, ...args) => [path!, command, `--broker-address=${server?.host}`, ...args],
  target: (target) => target,
  flags: ["--broker=nats", `--broker_address=${server?.url}`],
});
const meetings: readonly Meeting[] = [
  overNats("v2", v2),
  {
    ...overNats("v5", v5),
    go: (command, ...args) => [v5!, command, "--broker=nats", `--broker-address=${server?.host}`, ...args],
  },
  {
    name: "v5 over HTTP",
    there: network !== undefined,
    go: (command, ...args) =>
      network!.theirs([
        v5!,
        command,
        "--broker=http",
        "--registry=mdns",
        "--broker-address=10.99.0.2:0",
        ...args,
        ...(command === "subscribe" ? ["--address=10.99.0.2:0"] : []),
      ]),
    target: ({ name, command }) => ({ name, command: network?.ours(command) ?? [] }),
    flags: ["--registry=mdns", "--broker_address=10.99.0.1:0", "--server_address=10.99.0.1:0"],
  },
];

for (const meeting of meetings) {
  describe.skipIf(!meeting.there)(`Go Micro ${meeting.name}`, () => {
    describe.each(targets.map((target) => [target.name, target] as const))("%s", (_, target) => {
      const ours = meeting.target(target);

      test("we hear what a Go service publishes, as protobuf and as JSON", async () => {
        await using running = await serve(ours, [file("listener.ts"), ...meeting.flags]);
        await go(meeting.go("publish", `--topic=${topic}`, "--name=ev1"));
        await running.logged(/"name":"ev1"/);
        await go(meeting.go("publish", `--topic=${topic}`, "--name=ev2", "--content-type=application/json"));
        await running.logged(/"name":"ev2"/);
        const told = running
          .stdout()
          .split("\n")
          .filter((line) => line.startsWith("{"))
          .map((line) => JSON.parse(line));
        expect(told.map(({ payload }) => payload)).toEqual([{ name: "ev1" }, { name: "ev2" }]);
        expect(told[0].header).toMatchObject({
          "Content-Type": "application/grpc+proto",
          "Micro-Topic": topic,
          "X-Foo": "bar",
        });
      });

      test("a Go service hears what we publish, as protobuf and as JSON", async () => {
        await using listener = listen(meeting.go("subscribe", `--topic=${topic}`));
        expect((await listener.next()).listening).toBeString();
        for (const [type, name] of [
          ["application/grpc+proto", "ev3"],
          ["application/json", "ev4"],
        ] as const) {
          await publish(ours, type, name);
          const heard = await listener.next();
          expect(heard.name).toBe(name);
          expect(JSON.stringify(heard.metadata).toLowerCase()).toContain('"x-foo":"bar"');
        }
      });

      test("of a queue that a Go service shares with us, one gets each message", async () => {
        const own = [file("listener.ts"), "--server_name=shared", ...meeting.flags];
        await using running = await serve(ours, own);
        await using listener = listen(meeting.go("subscribe", `--topic=${topic}`, "--queue=shared"));
        expect((await listener.next()).listening).toBeString();
        const heard: (string | undefined)[] = [];
        const listening = (async () => {
          for (let said = await listener.next(); said.name; said = await listener.next())
            heard.push(said.name);
        })();
        const names = Array.from({ length: 40 }, (_, n) => `n${n + 10}`);
        await publish(ours, "application/json", ...names);
        const all = () => [
          ...heard,
          ...[...running.stdout().matchAll(/"name":"(\w+)"/g)].map(([, name]) => name),
        ];
        for (const end = Date.now() + 5000; all().length < names.length && Date.now() < end; )
          await Bun.sleep(10);
        expect(all().sort()).toEqual(names);
        await listener[Symbol.asyncDispose]();
        await listening;
      });

      async function publish(target: Target, ...args: string[]): Promise<void> {
        const flags = meeting.flags.filter((flag) => !flag.startsWith("--server_address"));
        const { code, stderr } = await microrun(target, [file("publisher.ts"), ...flags, "--", ...args]);
        expect(code, stderr).toBe(0);
      }
    });
  });
}

/** Stats, health and logs of real services, and events published and heard from the command line. */
import { afterAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { folder, greeter, microrun, type Running, serve, type Target, targets } from "./harness.ts";
import { natsBinary, startNats } from "./nats-server.ts";
import { type Peer, peer } from "./peers.ts";

const proto = join(import.meta.dir, "peers/greeterpb/greeter.proto");
const [v2, v5, kratos, natsPath] = [
  await peer("v2"),
  await peer("v5"),
  await peer("kratos"),
  await natsBinary(),
];
const nats = natsPath === undefined ? undefined : await startNats(natsPath);
afterAll(() => nats?.[Symbol.asyncDispose]());

/** Lines asked wrongly: the exit code 2, and what stderr begins with. */
const wrong: readonly (readonly [line: string, stderr: string])[] = [
  ["stats", "error: stats: requires a service\n  hint: write microrun stats greeter\n"],
  ["logs greeter other", "error: logs: unexpected other\n"],
  ["logs greeter --since=yesterday", "error: --since=yesterday: not a duration\n"],
  [
    "health greeter --server_address=:1",
    "error: --server_address: is for the sidecar, which names no service\n",
  ],
  ["health greeter --registry=memory", "error: --registry=memory: lives within one process\n"],
  ["publish", "error: publish: requires a topic\n  hint: write microrun publish orders.created '{"],
  ["publish orders", "error: publish: requires a message\n"],
  ["publish orders {", "error: message: not JSON ("],
  ["publish orders {} --broker=memory", "error: --broker=memory: lives within one process\n  hint: use http"],
  ["publish orders {} --type=a.B", "error: --type=a.B: no .proto has it\n"],
  ["publish orders {} --proto=x.proto", "error: --proto: useless without a message\n"],
  ["publish orders {} --cloudevent_mode=binary", "error: --cloudevent_mode: useless without a type\n"],
  ["subscribe", "error: subscribe: requires a topic\n"],
  ["subscribe orders --count=0", "error: --count=0: too little\n"],
  ["subscribe orders --broker=natz", "error: --broker=natz: not known, did you mean nats?\n"],
];

/** A Go greeter on a free port. */
async function go(name: Peer, ...flags: string[]): Promise<AsyncDisposable & { readonly at: string }> {
  const command = [(await peer(name))!, "serve", "--address", "127.0.0.1:0", ...flags];
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "ignore" });
  let said = "";
  for await (const chunk of child.stdout) {
    said += new TextDecoder().decode(chunk);
    const at = /^listening (\S+)$/m.exec(said)?.[1];
    if (at === undefined) continue;
    return {
      at,
      async [Symbol.asyncDispose]() {
        child.kill();
        await child.exited;
      },
    };
  }
  throw new Error(`the peer ended:\n${said}`);
}

interface Node {
  readonly id: string;
  readonly address: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

describe.each(targets)("$name", (target) => {
  test.each(wrong)("%p ends with 2 and says why", async (line, start) => {
    const { code, stdout, stderr } = await microrun(target, line.split(" "));
    expect(stderr).toStartWith(start);
    expect([code, stdout]).toEqual([2, ""]);
  });

  /** A place where nobody else is. */
  function place() {
    const local = folder();
    const env = { XDG_RUNTIME_DIR: local.path };
    return {
      env,
      run: (...args: string[]) => microrun(target, args, { env }),
      async announce(service: string, ...nodes: Node[]) {
        const json = JSON.stringify({ name: service, version: "1.0.0", nodes });
        const { code, stderr } = await microrun(target, ["register", json], { env });
        expect(code, stderr).toBe(0);
      },
      [Symbol.dispose]: () => local[Symbol.dispose](),
    };
  }

  describe.skipIf(v2 === undefined || v5 === undefined)("with Go peers", () => {
    test("stats and health of a Go Micro v2 instance and one of ours are printed as Go Micro's tool does", async () => {
      using here = place();
      await using theirs = await go("v2");
      await using ours = await serve(target, [greeter, "--server_version=2", "--server_id=ours"], here);
      await here.announce("greeter", { id: "theirs", address: theirs.at });
      const rows = (text: string) => text.replaceAll(theirs.at, "THERE").replaceAll(ours.address(), "HERE");
      const health = await here.run("health", "greeter");
      expect(health).toMatchObject({ code: 0, stderr: "" });
      expect(rows(health.stdout)).toBe(
        "service  greeter\n\nversion 1.0.0\n\nnode\t\taddress:port\t\tstatus\ntheirs\t\tTHERE\t\tok\n\n" +
          "version 2\n\nnode\t\taddress:port\t\tstatus\nours\t\tHERE\t\tok\n",
      );
      const stats = await here.run("stats", "greeter");
      expect(stats).toMatchObject({ code: 0, stderr: "" });
      const head = "node\t\taddress:port\t\tstarted\tuptime\tmemory\tthreads\tgc\n";
      const figures =
        "[A-Z][a-z]{2} \\d+ \\d\\d:\\d\\d:\\d\\d\t\\d{1,2}s\t\\d+\\.\\d\\dmb\t\\d+\t[\\d.]+[mµn]?s\n";
      expect(rows(stats.stdout)).toMatch(
        new RegExp(
          `^service  greeter\n\nversion 1\\.0\\.0\n\n${head}theirs\t\tTHERE\t\t${figures}` +
            `\nversion 2\n\n${head}ours\t\tHERE\t\t${figures}$`,
        ),
      );
      const told = JSON.parse((await here.run("stats", "greeter", "--output=json")).stdout);
      for (const { started, memory, requests } of told) {
        expect(Math.abs(started - Date.now() / 1000)).toBeLessThan(60);
        expect(memory).toBeGreaterThan(1_000_000);
        expect(requests).toBeGreaterThanOrEqual(2);
      }
      expect(told).toMatchObject([{ id: "theirs" }, { id: "ours" }]);
    });

    test("the logs of a Go Micro v2 instance and one of ours are one log", async () => {
      using here = place();
      await using theirs = await go("v2");
      await using _ = await serve(target, [greeter, "--server_id=ours"], here);
      await here.announce("greeter", { id: "theirs", address: theirs.at });
      const { code, stdout, stderr } = await here.run("logs", "greeter", "--since=1m");
      expect([code, stderr]).toEqual([0, ""]);
      const lines = stdout.trimEnd().split("\n");
      expect(lines).toContainEqual(expect.stringMatching(/Z theirs info {2}Starting \[service\] greeter/));
      expect(lines).toContainEqual(expect.stringMatching(/Z ours info {2}greeter is ready$/));
      const times = lines.map((line) => line.slice(0, 20));
      expect(times).toEqual(times.toSorted());
      const last = await here.run("logs", "greeter", "--count=1", "--output=json");
      const told = last.stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line));
      expect(told.map(({ instance }) => instance).sort()).toEqual(["ours", "theirs"]);
      expect(told.find(({ instance }) => instance === "ours").message).toBe("greeter is ready");
    });

    test("an instance that does not answer, has no Debug or speaks no gRPC is a row with the reason, and the exit code 1", async () => {
      using here = place();
      await using fifth = await go("v5");
      await using second = await go("v2");
      await here.announce(
        "greeter",
        { id: "a-away", address: "127.0.0.1:1" },
        { id: "b-fifth", address: fifth.at },
        { id: "c-mucp", address: "127.0.0.1:1", metadata: { protocol: "mucp" } },
        { id: "d-well", address: second.at },
      );
      for (const command of ["health", "stats", "logs"]) {
        const { code, stdout, stderr } = await here.run(command, "greeter");
        expect(code).toBe(1);
        const told = command === "logs" ? stderr : stdout;
        expect(told).toMatch(/^a-away\b.*127\.0\.0\.1:1: .*refused/m);
        const method = { health: "Health", stats: "Stats", logs: "Log" }[command];
        expect(told).toMatch(new RegExp(`^b-fifth\\b.*has no Debug\\.${method}.*: Go Micro .*v5`, "m"));
        expect(told).toMatch(/^c-mucp\b.*speaks mucp, not gRPC/m);
        expect(stdout).toMatch(/\bd-well\b/);
      }
      const named = await here.run("health", "greeter", `--address=${second.at}`);
      expect(named).toMatchObject({ code: 0, stderr: "" });
      expect(named.stdout).toBe(
        `service  greeter\n\nnode\t\taddress:port\t\tstatus\ngreeter\t\t${second.at}\t\tok\n`,
      );
    });
  });

  test.skipIf(kratos === undefined)("of a Kratos service gRPC's own health is told", async () => {
    using here = place();
    await using theirs = await go("kratos");
    await here.announce("greeter", { id: "theirs", address: theirs.at });
    const { code, stdout } = await here.run("health", "greeter", "--output=json");
    expect(JSON.parse(stdout)).toMatchObject([{ id: "theirs", address: theirs.at, status: "ok" }]);
    expect(code).toBe(0);
  });

  test("a service that nobody serves is not found, and the nearest one is told", async () => {
    using here = place();
    await here.announce("greeter", { id: "x", address: "127.0.0.1:1" });
    for (const command of ["stats", "health", "logs"])
      expect(await here.run(command, "gretter")).toEqual({
        ...{ code: 1, stdout: "" },
        stderr: "Service not found\n  hint: did you mean greeter?\n",
      });
  });

  test("an instance that is not well makes health fail", async () => {
    using here = place();
    using ill = folder({
      "ill.ts": `export default { Ill: { Do: () => ({}) } };
        export const health = { db: () => { throw new Error("gone") } };`,
    });
    await using _ = await serve(target, [join(ill.path, "ill.ts")], { ...here, until: /Listening/ });
    const { code, stdout } = await here.run("health", "ill");
    expect(code).toBe(1);
    expect(stdout).toMatch(/\t\tcheck db failed\n$/);
  });

  test("logs are followed, of an instance that comes later too, until Ctrl-C", async () => {
    using here = place();
    using module = folder({
      "talker.ts": `export const name = "talker";
        export default { Talker: { Say: ({ text }, { log }) => { log.info(text, { by: "me" }); return {}; } } };`,
    });
    const start = (id: string) => serve(target, [join(module.path, "talker.ts"), `--server_id=${id}`], here);
    await using first = await start("first");
    const say = (running: Running, text: string) =>
      here.run("call", "talker", "Talker.Say", JSON.stringify({ text }), `--address=${running.address()}`);
    await say(first, "before");
    await using following = await serve(target, ["logs", "talker", "--follow"], {
      ...{ env: here.env, ownAddress: false },
      until: /Z first info {2}before by=me/,
    });
    await say(first, "after");
    await following.logged(/Z first info {2}after by=me/);
    await using second = await start("second");
    await following.logged(/Z second info {2}talker is ready/);
    await say(second, "later");
    await following.logged(/Z second info {2}later by=me/);
    expect(following.stdout().match(/ before /g)).toHaveLength(1);
    following.signal("SIGINT");
    expect(await following.exited).toBe(0);
    expect(following.log()).toBe("");
  });

  test("the Tab key completes services and topics of the local registry", async () => {
    using here = place();
    await here.announce("greeter", { id: "x", address: "127.0.0.1:1" });
    await using _ = await listen(target, here.env, "orders.created");
    const complete = async (...words: string[]) =>
      (await here.run("--get-yargs-completions", "microrun", ...words)).stdout.trim().split("\n");
    expect(await complete("stats", "gr")).toEqual(["greeter"]);
    expect(await complete("health", "")).toContain("greeter");
    expect(await complete("publish", "ord")).toEqual(["orders.created"]);
    // the shell chooses among them
    expect(await complete("stats", "--outp")).toContain("--output");
  });

  const meetings = [
    { name: "http", there: true, flags: [] },
    { name: "nats", there: nats !== undefined, flags: ["--broker=nats", `--broker_address=${nats?.url}`] },
    {
      name: "JetStream",
      there: nats !== undefined,
      flags: ["--broker=nats", `--broker_address=${nats?.url}?jetstream=TOOLKIT_${target.name}`],
    },
  ];
  for (const { name, there, flags } of meetings)
    describe.skipIf(!there)(`over ${name}`, () => {
      const topic = `${target.name}.${name}.orders`;

      test("what is published every subscriber prints, as JSON lines, until Ctrl-C", async () => {
        using here = place();
        await using first = await listen(target, here.env, topic, ...flags);
        await using second = await listen(target, here.env, topic, ...flags, "--output=body");
        const sent = await here.run(
          "publish",
          topic,
          '{"id":7}',
          "--metadata=X-Tenant=a",
          "--key=order-7",
          ...flags,
        );
        expect(sent).toEqual({ code: 0, stdout: "", stderr: "" });
        await first.logged(/"id":7/);
        await second.logged(/"id":7/);
        const { topic: told, header, body } = JSON.parse(first.stdout());
        expect([told, body]).toEqual([topic, { id: 7 }]);
        expect(header).toMatchObject({
          ...{ "Content-Type": "application/json", "X-Tenant": "a", "Idempotency-Key": "order-7" },
        });
        expect(second.stdout()).toBe('{"id":7}\n');
        first.signal("SIGINT");
        second.signal("SIGTERM");
        expect([await first.exited, await second.exited]).toEqual([0, 0]);
        expect(first.log()).toBe(`subscribed to ${topic}\n`);
        expect((await here.run("services")).stdout).toBe("");
      });

      test("of one queue each message is printed once; --count ends it", async () => {
        using here = place();
        const topic = `${target.name}.${name}.jobs`;
        const own = [...flags, "--queue=q", "--count=2", "--output=body"];
        await using first = await listen(target, here.env, topic, ...own);
        await using second = await listen(target, here.env, topic, ...own);
        const sent: string[] = [];
        const heard = () => `${first.stdout()}${second.stdout()}`.trim().split("\n").filter(Boolean);
        // one after the other: whoever has enough is gone before the next
        for (let n = 0; n < 4; n++) {
          sent.push(`{"n":${n}}`);
          expect((await here.run("publish", topic, `{"n":${n}}`, ...flags)).code).toBe(0);
          for (const end = Date.now() + 10_000; heard().length <= n && Date.now() < end; )
            await Bun.sleep(10);
          for (const one of [first, second])
            if (one.stdout().trim().split("\n").length === 2) expect(await one.exited).toBe(0);
        }
        expect(heard().sort()).toEqual(sent);
      });

      test("protobuf and CloudEvents are published and read", async () => {
        using here = place();
        const topic = `${target.name}.${name}.greetings`;
        const typed = [`--proto=${proto}`, "--type=greeter.HelloRequest"];
        await using read = await listen(target, here.env, topic, ...flags, ...typed);
        await using raw = await listen(target, here.env, topic, ...flags);
        const publish = async (...more: string[]) =>
          expect((await here.run("publish", topic, '{"name":"ev"}', ...flags, ...more)).code).toBe(0);
        await publish(...typed);
        await read.logged(/"body":\{"name":"ev"\}/);
        expect(JSON.parse(read.stdout()).header["Content-Type"]).toBe("application/grpc+proto");
        await raw.logged(/"base64":"CgJldg=="/);
        for (const mode of ["binary", "structured"]) {
          await publish("--cloudevent=com.example.hello", `--cloudevent_mode=${mode}`);
          await raw.logged(
            new RegExp(
              `("event":\\{.*"type":"com\\.example\\.hello".*"body":\\{"name":"ev"\\}[^]*){${mode === "binary" ? 1 : 2}}`,
            ),
          );
        }
      });

      test("a service hears what is published by hand, and is heard", async () => {
        using here = place();
        const [asked, told] = [`${target.name}.${name}.asked`, `${target.name}.${name}.told`];
        using module = folder({
          "echo.ts": `let broker;
          export default {
            name: "echo",
            start: (context) => { broker = context.broker },
            subscribe: { "${asked}": ({ n }) => broker.publish("${told}", { n: n + 1 }) },
            handlers: { Echo: { Do: () => ({}) } },
          };`,
        });
        await using _ = await serve(target, [join(module.path, "echo.ts"), ...flags], here);
        await using listener = await listen(target, here.env, told, ...flags, "--count=1", "--output=body");
        expect((await here.run("publish", asked, '{"n":1}', ...flags)).code).toBe(0);
        expect(await listener.exited).toBe(0);
        expect(listener.stdout()).toBe('{"n":2}\n');
      });
    });

  test("a message comes from stdin", async () => {
    using here = place();
    await using listener = await listen(target, here.env, "orders", "--count=1", "--output=body");
    const child = Bun.spawn([...target.command, "publish", "orders", "-"], {
      env: { ...process.env, ...here.env },
      stdin: Buffer.from('{\n"id": 7\n}\n'),
    });
    expect(await child.exited).toBe(0);
    expect(await listener.exited).toBe(0);
    expect(listener.stdout()).toBe('{"id":7}\n');
  });

  test("publish says when nobody subscribed, and fails when whoever did takes nothing", async () => {
    using here = place();
    expect(await here.run("publish", "orders", "{}")).toEqual({
      ...{ code: 0, stdout: "" },
      stderr: "nobody subscribed to orders in the local registry\n",
    });
    const metadata = { broker: "http", topic: "orders", queue: "", secure: "false" };
    await here.announce("micro.http.broker", { id: "orders-gone", address: "127.0.0.1:1", metadata });
    const { code, stderr } = await here.run("publish", "orders", "{}");
    expect(stderr).toContain("1 messages of orders were not taken before the stop");
    expect(code).toBe(1);
  }, 20_000);

  test("publish fails where the broker cannot be reached", async () => {
    const { code, stderr } = await microrun(target, [
      ...["publish", "orders", "{}", "--broker=nats", "--broker_address=nats://127.0.0.1:1"],
    ]);
    expect(stderr).toMatch(/^error: .*NATS/m);
    expect(code).toBe(1);
  }, 20_000);
});

function listen(
  target: Target,
  env: Readonly<Record<string, string>>,
  topic: string,
  ...flags: string[]
): Promise<Running> {
  return serve(target, ["subscribe", topic, ...flags], { env, ownAddress: false, until: /subscribed to/ });
}

/** Much at once: ten thousand connections, a gigabyte through one call, readers that are slow, large messages beside small ones. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { attacker, callBlock, callFrames } from "./attacker.ts";
import { setting } from "./h2-wire.ts";
import { serve, type Target, targets } from "./harness.ts";
import { encodeRequest, interopArgs, interopCall, interopName, type Reply } from "./interop-service.ts";
import { heldBytes, residentBytes } from "./process-memory.ts";
import { frame, uint32s } from "./raw-http2.ts";
import { ownTransport } from "./transports.ts";

const connections = 10_000;
/** Descriptors that each end needs for them. */
const descriptors = connections + 200;
/** What a connection that is idle may cost. */
const maxConnectionBytes = 24_000;

const megabyte = 1_000_000;
/** What a process may grow by while a gigabyte passes through it. */
const maxStreamGrowthBytes = 120 * megabyte;
/** Messages that pass before, so that buffers have the size they will keep. */
const warming = 100;
/** Longest time that a small call may take beside a large one. */
const maxSmallMs = 1_000;

const { transport } = ownTransport();

/** Run where so many descriptors may be open. */
const raised = (command: readonly string[]): string[] => [
  ...["sh", "-c", `ulimit -n ${descriptors} && exec "$@"`, "sh"],
  ...command,
];

const canRaise = Bun.spawnSync(raised(["true"]), { stderr: "ignore" }).exitCode === 0;
if (!canRaise) {
  if (process.env.CI === "true") throw new Error(`cannot open ${descriptors} descriptors: raise ulimit -n`);
  console.error(`skipped: ${connections} connections, as ulimit -n cannot be raised to ${descriptors}`);
}

/** Samples until disposed. */
function watchMemory(pid: number): Disposable & { readonly growth: () => number } {
  const idle = residentBytes(pid) ?? 0;
  let most = idle;
  const timer = setInterval(() => {
    most = Math.max(most, residentBytes(pid) ?? 0);
  }, 20);
  return { growth: () => most - idle, [Symbol.dispose]: () => clearInterval(timer) };
}

describe.each(targets)("$name", (target) => {
  test.skipIf(!canRaise)("ten thousand connections are open, and all are answered", async () => {
    const wide: Target = { name: target.name, command: raised(target.command) };
    await using running = await serve(wide, [...interopArgs, `--max_connections=${connections + 10}`]);
    await using connection = transport.connect(running.address());
    for (let i = 0; i < 500; i++) await interopCall(connection, "EmptyCall");
    const idle = residentBytes(running.pid) ?? 0;
    const driver = Bun.spawn(
      raised([
        process.execPath,
        join(import.meta.dir, "fixtures/connections-driver.ts"),
        running.address(),
        String(connections),
      ]),
      { stdout: "pipe" },
    );
    const { value } = await driver.stdout.getReader().read();
    expect(JSON.parse(new TextDecoder().decode(value))).toEqual({ answered: connections, closed: 0 });
    await interopCall(connection, "EmptyCall");
    expect(((residentBytes(running.pid) ?? 0) - idle) / connections).toBeLessThan(maxConnectionBytes);
    driver.kill();
    running.signal("SIGTERM");
    expect(await running.exited).toBe(0);
  });

  test("a gigabyte passes through one call either way, and neither end grows", async () => {
    await using running = await serve(target, interopArgs);
    await using connection = transport.connect(running.address());
    await interopCall(connection, "EmptyCall");
    let most = 0;
    const down = async (count: number): Promise<number> => {
      const responseParameters = Array.from({ length: count }, () => ({ size: megabyte }));
      const asked = { responseParameters };
      const replies = await interopCall<AsyncIterable<Reply>>(connection, "StreamingOutputCall", asked);
      let [received, seen] = [0, 0];
      for await (const { payload } of replies) {
        received += payload.body.length;
        if (++seen % 50 === 0) most = Math.max(most, heldBytes());
      }
      return received;
    };
    const body = new Uint8Array(megabyte);
    const up = (count: number): Promise<object> => {
      async function* requests() {
        for (let i = 1; i <= count; i++) {
          yield { payload: { body } };
          if (i % 50 === 0) most = Math.max(most, heldBytes());
        }
      }
      return interopCall<object>(connection, "StreamingInputCall", requests());
    };
    await down(warming);
    await up(warming);
    using server = watchMemory(running.pid);
    const before = heldBytes();
    most = 0;
    expect(await down(1000)).toBe(1000 * megabyte);
    expect(await up(1000)).toEqual({ aggregatedPayloadSize: 1000 * megabyte });
    expect(server.growth()).toBeLessThan(maxStreamGrowthBytes);
    expect(most - before).toBeLessThan(maxStreamGrowthBytes);
  });

  test("readers that are slow hold back their streams, and cost little", async () => {
    await using running = await serve(target, interopArgs);
    await using connection = transport.connect(running.address());
    await interopCall(connection, "EmptyCall");
    using server = watchMemory(running.pid);
    const responseParameters = Array.from({ length: 1000 }, () => ({ size: megabyte }));
    const message = encodeRequest("StreamingOutputCall", { responseParameters });
    const block = callBlock(`/${interopName}/StreamingOutputCall`);
    const readers = await Promise.all(
      Array.from({ length: 30 }, () => attacker(running.address(), { settings: setting(4, 1_000) })),
    );
    for (const reader of readers) await reader.say(callFrames(1, block, message));
    for (let turn = 0; turn < 100; turn++) {
      await interopCall(connection, "EmptyCall");
      for (const reader of readers)
        await reader.say(Buffer.concat([frame(8, 0, 0, uint32s(1_000)), frame(8, 0, 1, uint32s(1_000))]));
      await Bun.sleep(5);
    }
    // each was sent what it asked for, a thousand bytes at a time
    expect(readers.map(({ heard }) => heard[0]! > 90)).toEqual(readers.map(() => true));
    expect(server.growth()).toBeLessThan(maxStreamGrowthBytes);
    for (const reader of readers) reader[Symbol.dispose]();
  });

  test("small calls are answered while large messages pass on the same connection", async () => {
    await using running = await serve(target, interopArgs);
    await using connection = transport.connect(running.address());
    const responseParameters = Array.from({ length: 50 }, () => ({ size: megabyte }));
    let over = false;
    const large = (async () => {
      let received = 0;
      for (let round = 0; round < 4; round++) {
        const replies = await interopCall<AsyncIterable<Reply>>(connection, "StreamingOutputCall", {
          responseParameters,
        });
        for await (const { payload } of replies) received += payload.body.length;
      }
      over = true;
      return received;
    })();
    const took: number[] = [];
    while (!over) {
      const began = performance.now();
      await interopCall(connection, "EmptyCall");
      took.push(performance.now() - began);
      await Bun.sleep(1);
    }
    expect(await large).toBe(200 * megabyte);
    expect(took.length).toBeGreaterThan(5);
    expect(Math.max(...took)).toBeLessThan(maxSmallMs);
  });
});

/** A service under attack: what others ask is answered meanwhile, and the process grows no more than is allowed. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { attacker } from "./attacker.ts";
import { type Attack, attacks } from "./attacks.ts";
import { type Running, serve, targets } from "./harness.ts";
import { interopArgs, interopCall } from "./interop-service.ts";
import { residentBytes } from "./process-memory.ts";
import { ownTransport } from "./transports.ts";

/** How long an attack lasts; one whose peer is to be cut, until it is. */
const attackMs = 700;
const maxAttackMs = 15_000;
/** Longest time that an answer to others may take meanwhile. */
const maxAnswerMs = 5_000;
/** What an attack may add to an idle process. */
const maxGrowthBytes = 150_000_000;
/** What the engine may hold for all its peers. */
const maxBufferBytes = 64 * 2 ** 20;
/** What one that makes it hold as much may add: with what handlers made it of, and what is dropped and not collected yet. */
const maxHeldGrowthBytes = 350_000_000;

/** An attack under way. */
interface Course {
  cut: number;
  readonly isOver: () => boolean;
}

function begin({ end = "cut" }: Attack): Course {
  const began = performance.now();
  const course: Course = {
    cut: 0,
    isOver() {
      const since = performance.now() - began;
      return since > maxAttackMs || (since > attackMs && (end === "none" || course.cut > 0));
    },
  };
  return course;
}

/** One peer. */
async function attack(address: string, how: Attack, course: Course): Promise<void> {
  const { next, times = Number.POSITIVE_INFINITY, batch = 200, end = "cut" } = how;
  while (!course.isOver()) {
    using peer = await attacker(address, how);
    for (let n = 0; n < times && !peer.closed && !course.isOver(); ) {
      const frames: Buffer[] = [];
      for (let i = 0; i < batch && n < times; i++) frames.push(next(n++));
      await peer.say(Buffer.concat(frames));
      await Bun.sleep(0);
    }
    // what it holds, it holds
    while (end !== "cut" && !peer.closed && !course.isOver()) await Bun.sleep(10);
    if (peer.closed) course.cut += 1;
    if (end === "cut for good") return;
  }
}

describe.each(targets)("$name", (target) => {
  const { transport } = ownTransport();
  let running: Running;
  let idleBytes = 0;

  const connect = () => transport.connect(running.address());
  type Connection = ReturnType<typeof connect>;
  const ask = (connection: Connection): Promise<unknown> =>
    interopCall(connection, "EmptyCall", {}, { deadline: Date.now() + maxAnswerMs });

  beforeEach(async () => {
    running = await serve(target, [
      ...interopArgs,
      "--transport=grpc",
      `--max_buffer_bytes=${maxBufferBytes}`,
    ]);
    await using connection = connect();
    for (let i = 0; i < 1_000; i++) await ask(connection);
    idleBytes = residentBytes(running.pid) ?? 0;
  });
  afterEach(() => running[Symbol.asyncDispose]());

  /** Asks again and again, on a connection of its own. @throws MicrorunError for a call that fails, or takes too long */
  async function innocent({ isOver }: Course): Promise<void> {
    await using connection = connect();
    for (let answered = 0; !isOver() || answered < 3; answered++) {
      await ask(connection);
      await Bun.sleep(10);
    }
  }

  for (const [name, how] of Object.entries(attacks)) {
    test(`${name}: others are answered, and memory stays bounded`, async () => {
      const { peers = 1, holds = false, end = "cut" } = how;
      const course = begin(how);
      let mostBytes = 0;
      const sampler = setInterval(() => {
        mostBytes = Math.max(mostBytes, residentBytes(running.pid) ?? 0);
      }, 20);
      await Promise.all([
        innocent(course),
        ...Array.from({ length: peers }, () => attack(running.address(), how, course)),
      ]);
      clearInterval(sampler);
      if (end !== "none") expect(course.cut).toBeGreaterThan(0);
      expect(mostBytes - idleBytes).toBeLessThan(holds ? maxHeldGrowthBytes : maxGrowthBytes);
    });
  }
});

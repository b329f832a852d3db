import { expect, test } from "bun:test";
import {
  createMember,
  type MemberOptions,
  maxBackoffMs,
  maxReadyMs,
  maxStopMs,
  minBackoffMs,
  steadyMs,
} from "./member.ts";

/** Microtasks that a step may need. */
const settle = async (): Promise<void> => {
  for (let i = 0; i < 50; i++) await Promise.resolve();
};

function setup(options: Partial<MemberOptions> = {}) {
  const said: string[] = [];
  const processes: { end: (code: number) => void; stops: number; kills: number }[] = [];
  const pauses: { ms: number; over: () => void; signal: AbortSignal }[] = [];
  let time = 0;
  const member = createMember({
    isWatched: true,
    say: (text) => said.push(text),
    now: () => time,
    pause(ms, signal) {
      if (signal.aborted) return Promise.resolve();
      const { promise, resolve } = Promise.withResolvers<void>();
      signal.addEventListener("abort", () => resolve());
      pauses.push({ ms, over: resolve, signal });
      return promise;
    },
    start() {
      const { promise, resolve } = Promise.withResolvers<number>();
      const process = { end: resolve, stops: 0, kills: 0 };
      processes.push(process);
      return { ended: promise, stop: () => void process.stops++, kill: () => void process.kills++ };
    },
    ...options,
  });
  const pausing = (ms: number) => pauses.findLast((one) => one.ms === ms && !one.signal.aborted)!;
  return { member, said, processes, pausing, pass: (ms: number) => (time += ms) };
}

test("what crashes is started again, later each time, and soon again when it has run for long", async () => {
  const { member, said, processes, pausing, pass } = setup();
  member.start();
  for (const ms of [minBackoffMs, 2 * minBackoffMs, 4 * minBackoffMs]) {
    processes.at(-1)!.end(1);
    await settle();
    pausing(ms).over();
    await settle();
  }
  expect(processes).toHaveLength(4);
  pass(steadyMs);
  processes.at(-1)!.end(137);
  await settle();
  expect(said.at(-1)).toBe(
    `ended with code 137: it starts again in ${minBackoffMs} ms, or at the next change`,
  );
  for (let i = 0; i < 20; i++) {
    pausing(Math.min(maxBackoffMs, minBackoffMs * 2 ** i)).over();
    await settle();
    processes.at(-1)!.end(1);
    await settle();
  }
  expect(pausing(maxBackoffMs)).toBeDefined();
});

test("what has ended well, or was asked wrongly, waits for a change", async () => {
  for (const [code, words] of [
    [0, "has ended: waiting for a change"],
    [2, "ended with code 2: waiting for a change"],
  ] as const) {
    const { member, said, processes } = setup();
    member.start();
    processes[0]!.end(code);
    await settle();
    expect(said).toEqual([words]);
    expect(processes).toHaveLength(1);
    member.restart();
    await settle();
    expect(processes).toHaveLength(2);
  }
});

test("a change stops what runs and starts it again", async () => {
  const { member, processes, said } = setup();
  member.restart();
  expect(processes).toHaveLength(0);
  member.start();
  member.restart();
  member.restart();
  expect(processes[0]!.stops).toBe(1);
  processes[0]!.end(143);
  await settle();
  expect(processes).toHaveLength(2);
  expect(said).toEqual([]);
});

test("a stop is asked once, and forced when it takes too long", async () => {
  const { member, processes, pausing } = setup();
  member.start();
  member.restart();
  const stopped = member.stop();
  await settle();
  expect([processes[0]!.stops, processes[0]!.kills]).toEqual([1, 0]);
  pausing(maxStopMs).over();
  await settle();
  expect(processes[0]!.kills).toBe(1);
  processes[0]!.end(137);
  await stopped;
  member.start();
  expect(processes).toHaveLength(1);
});

test("it is ready when it answers, at once without a port, and not when it is late or stopped", async () => {
  const plain = setup();
  plain.member.start();
  expect(await plain.member.ready).toBe(true);

  const answering = Promise.withResolvers<void>();
  const inTime = setup({ answers: () => answering.promise });
  inTime.member.start();
  answering.resolve();
  expect(await inTime.member.ready).toBe(true);

  const late = setup({ answers: () => new Promise(() => {}) });
  late.member.start();
  late.pausing(maxReadyMs).over();
  expect(await late.member.ready).toBe(false);

  const stopped = setup({ answers: () => new Promise(() => {}) });
  stopped.member.start();
  void stopped.member.stop();
  expect(await stopped.member.ready).toBe(false);
});

test("one that waits for a change stops at once", async () => {
  const { member, processes } = setup();
  member.start();
  processes[0]!.end(0);
  await settle();
  await member.stop();
});

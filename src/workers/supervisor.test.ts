import { expect, test } from "bun:test";
import { createLog } from "../log.ts";
import { createSupervisor, maxBackoffMs, maxSilences, minBackoffMs, steadyMs } from "./supervisor.ts";
import { type Launch, type Order, type Report, reportMs, type Started } from "./workers.ts";

const started: Started = {
  addresses: { grpc: "127.0.0.1:1", http: "127.0.0.1:2" },
  announcement: "announcement",
};

/** A worker as the test plays it. */
interface Player {
  readonly launch: Launch;
  readonly orders: Order[];
  killed: boolean;
  start(): Promise<void>;
  count(requests: number): void;
  die(code: number): Promise<void>;
}

const turn = (): Promise<void> => new Promise((done) => setImmediate(done));

function stage(count = 2) {
  const players: Player[] = [];
  const lines: string[] = [];
  let now = 1_000_000;
  const waits: { readonly at: number; readonly ms: number; readonly wake: () => void }[] = [];
  const supervisor = createSupervisor({
    count,
    nodeId: "node",
    now: () => now,
    log: createLog({ write: (line) => lines.push(line) }),
    pause: (ms, signal) =>
      new Promise((wake) => {
        if (signal?.aborted) return wake();
        waits.push({ at: now + ms, ms, wake });
        signal?.addEventListener("abort", () => wake());
      }),
    start(launch, heard: (report: Report) => void) {
      const ended = Promise.withResolvers<number>();
      const player: Player = {
        launch,
        orders: [],
        killed: false,
        start() {
          heard({ kind: "started", started });
          return turn();
        },
        count: (requests) => heard({ kind: "counts", counts: { requests, errors: 0 } }),
        die(code) {
          ended.resolve(code);
          return turn();
        },
      };
      players.push(player);
      return {
        send: (message) => void player.orders.push(message as Order),
        kill() {
          player.killed = true;
          ended.resolve(137);
        },
        ended: ended.promise,
      };
    },
  });
  return {
    supervisor,
    players,
    lines,
    waits,
    /** Time goes on, one wait after the other. */
    async pass(ms: number): Promise<void> {
      const end = now + ms;
      for (;;) {
        const next = waits.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        waits.splice(waits.indexOf(next), 1);
        now = Math.max(now, next.at);
        next.wake();
        await turn();
      }
      now = end;
    },
    kinds: (player: Player | undefined) => player?.orders.map(({ kind }) => kind) ?? [],
  };
}

/** All have started and serve. */
async function serving(count = 2) {
  const play = stage(count);
  const starting = play.supervisor.start();
  await play.players[0]!.start();
  for (const player of play.players.slice(1)) await player.start();
  await starting;
  const failed = play.supervisor.serve();
  return { ...play, failed };
}

test("the others start when the first listens, where it does, and serve when all have started", async () => {
  const { supervisor, players, kinds } = stage(3);
  const starting = supervisor.start();
  expect(players.map(({ launch }) => launch)).toEqual([
    { worker: 1, of: 3, nodeId: "node", since: 1000, serving: false },
  ]);
  await players[0]!.start();
  expect(players.slice(1).map(({ launch }) => [launch.worker, launch.addresses])).toEqual([
    [2, started.addresses],
    [3, started.addresses],
  ]);
  await players[1]!.start();
  expect(players.map(kinds)).toEqual([[], [], []]);
  await players[2]!.start();
  expect(await starting).toEqual(started);
  void supervisor.serve();
  expect(players.map(kinds)).toEqual([["serve"], ["serve"], ["serve"]]);
});

test("a first worker that does not start is the end, with its exit code", async () => {
  const { supervisor, players } = stage();
  const starting = supervisor.start();
  await players[0]!.die(2);
  expect(await starting).toBe(2);
  expect(players).toHaveLength(1);
});

test("any worker that dies before all have started is the end", async () => {
  for (const dying of [0, 1]) {
    const { supervisor, players } = stage(3);
    const starting = supervisor.start();
    await players[0]!.start();
    await players[dying]!.die(1);
    expect(await starting).toBe(1);
    expect(players).toHaveLength(3);
  }
});

test("a dead worker is replaced, and its replacement serves at once", async () => {
  const { players, pass } = await serving();
  await players[1]!.die(137);
  expect(players).toHaveLength(2);
  await pass(minBackoffMs);
  expect(players).toHaveLength(3);
  const { worker, serving: serves, addresses } = players[2]!.launch;
  expect([worker, serves, addresses]).toEqual([2, true, started.addresses]);
});

test("each early death doubles the pause up to its bound; a steady life forgets them", async () => {
  const { players, pass, waits } = await serving();
  const pauses: number[] = [];
  for (let i = 0; i < 9; i++) {
    await players.at(-1)!.die(1);
    const { ms } = waits.find(({ ms }) => ms !== reportMs)!;
    pauses.push(ms);
    players[0]!.count(0);
    await pass(ms);
    await players.at(-1)!.start();
  }
  expect(pauses).toEqual([100, 200, 400, 800, 1600, 3200, 6400, maxBackoffMs, maxBackoffMs]);
  for (let i = 0; i < steadyMs / reportMs; i++) {
    for (const player of players) player.count(0);
    await pass(reportMs);
  }
  await players.at(-1)!.die(1);
  expect(waits.find(({ ms }) => ms !== reportMs)?.ms).toBe(minBackoffMs);
});

test("a replacement that does not start is tried again while another serves, and is the end when none does", async () => {
  const { players, pass, failed } = await serving();
  await players[1]!.die(1);
  await pass(minBackoffMs);
  await players[2]!.die(1);
  await pass(2 * minBackoffMs);
  expect(players).toHaveLength(4);
  await players[0]!.die(1);
  await players[3]!.die(1);
  expect(await failed).toBe(1);
});

test("a worker that does not report for too long is killed and replaced; one that starts may be silent", async () => {
  const { players, pass, lines } = await serving();
  for (let i = 0; i <= maxSilences; i++) {
    players[0]!.count(i);
    await pass(reportMs);
  }
  expect(players.map(({ killed }) => killed)).toEqual([false, true]);
  expect(lines.join()).toContain("worker 2 hangs");
  players[0]!.count(0);
  await pass(minBackoffMs);
  for (let i = 0; i <= maxSilences; i++) {
    players[0]!.count(i);
    await pass(reportMs);
  }
  expect(players.map(({ killed }) => killed)).toEqual([false, true, false]);
});

test("each worker hears how many calls the others had, the dead included", async () => {
  const { players, pass } = await serving();
  players[0]!.count(5);
  players[1]!.count(7);
  expect(players[1]!.orders.at(-1)).toEqual({ kind: "counts", counts: { requests: 5, errors: 0 } });
  await players[1]!.die(1);
  await pass(minBackoffMs);
  players[2]!.count(1);
  expect(players[2]!.orders.at(-1)).toEqual({ kind: "counts", counts: { requests: 12, errors: 0 } });
  players[0]!.count(6);
  expect(players[0]!.orders.at(-1)).toEqual({ kind: "counts", counts: { requests: 8, errors: 0 } });
});

test("a stop reaches all, then the close, and nobody is replaced", async () => {
  const { supervisor, players, kinds, pass } = await serving();
  supervisor.stop("SIGTERM");
  expect(players.map(kinds)).toEqual([
    ["serve", "stop"],
    ["serve", "stop"],
  ]);
  await players[0]!.die(0);
  const closing = supervisor.close(5000);
  expect(kinds(players[1])).toEqual(["serve", "stop", "close"]);
  await players[1]!.die(0);
  expect(await closing).toBe(0);
  await pass(maxBackoffMs);
  expect(players).toHaveLength(2);
});

test("a stop while a dead worker waits for its replacement starts none", async () => {
  const { supervisor, players, pass } = await serving();
  await players[1]!.die(1);
  supervisor.stop("SIGTERM");
  await pass(maxBackoffMs);
  expect(players).toHaveLength(2);
});

test("a worker that ends badly, or not in time, makes the exit code 1", async () => {
  const badly = await serving();
  badly.supervisor.stop("SIGTERM");
  const closing = badly.supervisor.close(5000);
  await badly.players[0]!.die(0);
  await badly.players[1]!.die(1);
  expect(await closing).toBe(1);

  const late = await serving();
  late.supervisor.stop("SIGTERM");
  const never = late.supervisor.close(5000);
  await late.players[0]!.die(0);
  await late.pass(5000);
  expect(await never).toBe(1);
  expect(late.players.map(({ killed }) => killed)).toEqual([false, true]);
});

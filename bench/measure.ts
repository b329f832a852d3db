/** One turn of each server: its load, memory, start and size, added to the figures. */
import { statSync } from "node:fs";
import type { Case } from "./cases.ts";
import type { Child, Children } from "./children.ts";
import type { Contender } from "./contenders.ts";
import { type Figures, type Group, idleMemory, startTime, type Unit } from "./figures.ts";
import { firstReply, freePort } from "./first-reply.ts";

/** After it a server counts as idle: it has compiled, collected its garbage and given memory back. */
const settleMs = 1000;
/** Before anything counts, by the first case: the JIT compilers need some 10,000 calls. */
const warmupSeconds = 1.5;
/** And by each of the others: what is new in it. */
const nextWarmupSeconds = 0.5;

export interface Turn {
  readonly group: Group;
  readonly cases: readonly Case[];
  readonly servers: readonly Contender[];
  readonly client: string;
  readonly seconds: number;
}

/** Starts all servers anew, then gives each its turn, case by case. */
export async function measureLoads(turn: Turn, owned: Children, found: Figures): Promise<void> {
  const { group, client } = turn;
  await using stack = new AsyncDisposableStack();
  const running: { server: Contender; child: Child; port: number }[] = [];
  for (const server of turn.servers) {
    const { child, port } = await start(server, owned);
    stack.use(child);
    await answer(server, child, firstReply(port));
    running.push({ server, child, port });
  }
  const memory = async (): Promise<number[]> => {
    await Bun.sleep(settleMs);
    return running.map(({ child }) => child.rssBytes() / 1e6);
  };
  const idle = await memory();

  const able = ({ name }: Case): typeof running =>
    running.filter(({ server }) => !server.lacks?.includes(name));
  for (const [index, one] of turn.cases.entries()) {
    const seconds = index === 0 ? warmupSeconds : nextWarmupSeconds;
    for (const { server, child, port } of able(one))
      await answer(server, child, one.load({ port, seconds, owned, client }));
  }
  for (const one of turn.cases) {
    const { title, per = "call" } = one;
    for (const { server, child, port } of able(one)) {
      const before = child.cpuMicros();
      const load = await answer(server, child, one.load({ port, seconds: turn.seconds, owned, client }));
      const add = (what: string, unit: Unit, value: number): void =>
        found.add(group, `${title}: ${what}`, unit, server.name, value);
      add(`server CPU per ${per}`, "µs", (child.cpuMicros() - before) / load.count);
      add("rate", per === "call" ? "req/s" : "messages/s", load.rate);
      if (load.p50Us !== undefined) add("p50", "µs", load.p50Us);
      if (load.p99Us !== undefined) add("p99", "µs", load.p99Us);
    }
  }
  const loaded = await memory();
  for (const [index, { server }] of running.entries()) {
    found.add(group, idleMemory, "MB", server.name, idle[index]!);
    found.add(group, "memory, after the load", "MB", server.name, loaded[index]!);
  }
}

/** From the spawn to the first answer. */
export async function measureStarts(
  group: Group,
  servers: readonly Contender[],
  owned: Children,
  found: Figures,
): Promise<void> {
  for (const server of servers) {
    const { child, port, began } = await start(server, owned);
    await using _ = child;
    await answer(server, child, firstReply(port, server.request));
    found.add(group, startTime, "ms", server.name, performance.now() - began);
  }
}

/** Of the servers of a group that was measured. */
export function measureSizes(group: Group, servers: readonly Contender[], found: Figures): void {
  if (!found.rows.some((row) => row.group === group)) return;
  for (const { name, binary } of servers) found.add(group, "binary", "MB", name, statSync(binary).size / 1e6);
}

async function start(
  server: Contender,
  owned: Children,
): Promise<{ child: Child; port: number; began: number }> {
  const port = await freePort();
  const began = performance.now();
  return { child: owned.serve([server.binary, ...server.arguments(port)]), port, began };
}

/** What `work` gives, unless the server dies first; a failure names the server. */
async function answer<T>({ name }: Contender, child: Child, work: Promise<T>): Promise<T> {
  try {
    return await Promise.race([work, child.died]);
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
  }
}

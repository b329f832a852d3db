/** One turn of each server: its load, memory, start and size, added to the figures. */
import { statSync } from "node:fs";
import type { Child, Children } from "./children.ts";
import type { Contender, Protocol } from "./contenders.ts";
import { cpuOfUnary, type Figures, idleMemory, startTime } from "./figures.ts";
import { firstReply, freePort } from "./first-reply.ts";
import { grpcLoad, jsonLoad } from "./load.ts";

export interface Case {
  /** For `--only`. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly title: string;
  readonly concurrency: number;
  readonly uniqueMetadata?: boolean;
}

const [unary] = cpuOfUnary.split(":");

export const grpcCases: readonly Case[] = [
  { name: "unary", protocol: "grpc", title: unary!, concurrency: 50 },
  {
    name: "metadata",
    protocol: "grpc",
    title: "unique metadata, 50 at a time",
    concurrency: 50,
    uniqueMetadata: true,
  },
  { name: "single", protocol: "grpc", title: "unary, one at a time", concurrency: 1 },
];

export const jsonCases: readonly Case[] = [
  { name: "json", protocol: "json", title: "POST, 50 connections", concurrency: 50 },
];

/** After it a server counts as idle: it has compiled, collected its garbage and given memory back. */
const settleMs = 1000;
/** Before anything counts, at the concurrency of most cases: the JIT compilers need some 10,000 calls. */
const warmup = { seconds: 1.5, concurrency: 50 };

interface Turn {
  readonly cases: readonly Case[];
  readonly servers: readonly Contender[];
  readonly client: string;
  readonly seconds: number;
}

/** Starts all servers anew, then gives each its turn, case by case. */
export async function measureLoads(turn: Turn, owned: Children, found: Figures): Promise<void> {
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

  const load = ({ protocol }: Contender, options: Parameters<typeof jsonLoad>[0]) =>
    protocol === "grpc" ? grpcLoad(turn.client, owned, options) : jsonLoad(options);
  for (const { server, child, port } of running)
    await answer(server, child, load(server, { port, ...warmup }));
  for (const { title, concurrency, uniqueMetadata = false } of turn.cases) {
    for (const { server, child, port } of running) {
      const before = child.cpuMicros();
      const options = { port, concurrency, seconds: turn.seconds, uniqueMetadata };
      const { count, rate, p50Us, p99Us } = await answer(server, child, load(server, options));
      const add = (what: string, unit: "µs" | "req/s", value: number): void =>
        found.add(server.protocol, `${title}: ${what}`, unit, server.name, value);
      add("server CPU per call", "µs", (child.cpuMicros() - before) / count);
      add("rate", "req/s", rate);
      add("p50", "µs", p50Us);
      add("p99", "µs", p99Us);
    }
  }
  const loaded = await memory();
  for (const [index, { server }] of running.entries()) {
    found.add(server.protocol, idleMemory, "MB", server.name, idle[index]!);
    found.add(server.protocol, "memory, after the load", "MB", server.name, loaded[index]!);
  }
}

/** From the spawn to the first answer. */
export async function measureStarts(
  servers: readonly Contender[],
  owned: Children,
  found: Figures,
): Promise<void> {
  for (const server of servers) {
    const { child, port, began } = await start(server, owned);
    await using _ = child;
    await answer(server, child, firstReply(port, server.request));
    found.add(server.protocol, startTime, "ms", server.name, performance.now() - began);
  }
}

/** Of the servers that were measured. */
export function measureSizes(servers: readonly Contender[], found: Figures): void {
  const protocols = new Set<string>(found.rows.map(({ group }) => group));
  for (const { protocol, name, binary } of servers.filter((one) => protocols.has(one.protocol)))
    found.add(protocol, "binary", "MB", name, statSync(binary).size / 1e6);
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
async function answer<T>({ name, protocol }: Contender, child: Child, work: Promise<T>): Promise<T> {
  try {
    return await Promise.race([work, child.died]);
  } catch (error) {
    throw new Error(`${name} (${protocol}): ${(error as Error).message}`, { cause: error });
  }
}

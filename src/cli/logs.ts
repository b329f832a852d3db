/** `microrun logs`: what the instances of a service logged lately, merged by time, and with --follow what they log from now on. */
import { errorText, MicrorunError } from "../errors.ts";
import type { Instance } from "../registry/registry.ts";
import { pause } from "../wait.ts";
import type { Input } from "./command.ts";
import { logsFlags } from "./debug-flags.ts";
import { askEach, type DebugPeers, openDebugPeers } from "./debug-peers.ts";
import { stopSignal } from "./discovery.ts";
import type { Values } from "./flags.ts";
import { inOrder, type LogEntry, logEntry, logText } from "./log-entry.ts";
import { plain } from "./output.ts";
import { readFlags } from "./values.ts";

/** How long lines of several instances are held to be put in order, ms. */
const holdMs = 200;
/** How soon an instance that broke off is asked again, ms. */
const againMs = 2000;

interface Reading {
  readonly peers: DebugPeers;
  /** Seconds since the epoch. */
  readonly since: number;
  /** Of each instance. */
  readonly count: number | undefined;
  readonly print: (entries: readonly LogEntry[]) => void;
}

export async function start(input: Input): Promise<number> {
  const flags = readFlags(logsFlags, input.given, input.env);
  const signal = stopSignal();
  await using peers = await openDebugPeers("logs", input);
  if (peers === undefined) return 1;
  const reading: Reading = { peers, since: sinceOf(flags), count: flags.count, print };
  return flags.follow ? follow(reading, signal) : readOnce(reading);

  function print(entries: readonly LogEntry[]): void {
    process.stdout.write(
      inOrder(entries)
        .map((entry) => logText(entry, flags.output))
        .join(""),
    );
  }
}

function sinceOf({ since }: Values<typeof logsFlags>): number {
  return since === undefined ? 0 : Math.floor((Date.now() - since) / 1000);
}

async function readOnce({ peers, since, count, print }: Reading): Promise<number> {
  const answers = await askEach(peers.instances, async (instance) => {
    const entries: LogEntry[] = [];
    // counted here: Go Micro would give the first of them
    for await (const record of peers.logs(instance, { since })) entries.push(logEntry(instance, record));
    return count === undefined ? entries : entries.slice(-count);
  });
  print(answers.flatMap(({ reply = [] }) => reply));
  for (const { instance, error } of answers) if (error !== undefined) tell(instance, error);
  return answers.every(({ reply }) => reply !== undefined) ? 0 : 1;
}

/** Until aborted, or until no instance is left that can tell. */
async function follow({ peers, since, count, print }: Reading, signal: AbortSignal): Promise<number> {
  const held: LogEntry[] = [];
  const flush = setInterval(() => print(held.splice(0)), holdMs);
  const followed = new Map<string, { readonly stop: AbortController; readonly end: Promise<boolean> }>();
  try {
    for await (const now of snapshots(peers, signal)) {
      const keys = new Set(now.map(keyOf));
      for (const [key, { stop }] of followed)
        if (!keys.has(key)) {
          stop.abort();
          followed.delete(key);
        }
      for (const instance of now) {
        const key = keyOf(instance);
        if (followed.has(key)) continue;
        const stop = new AbortController();
        const until = AbortSignal.any([signal, stop.signal]);
        const end = keep(instance, until, { peers, since, count, print: (entries) => held.push(...entries) });
        followed.set(key, { stop, end });
      }
      if (peers.registry === undefined) break;
    }
    const ends = await Promise.all([...followed.values()].map(({ end }) => end));
    return ends.every(Boolean) ? 0 : 1;
  } finally {
    clearInterval(flush);
    print(held.splice(0));
  }
}

function snapshots(
  { service, instances, registry }: DebugPeers,
  signal: AbortSignal,
): AsyncIterable<readonly Instance[]> | readonly (readonly Instance[])[] {
  return registry?.watch(service, signal) ?? [instances];
}

/** Reads on when it broke off. @returns whether it could be read at all */
async function keep(
  instance: Instance,
  signal: AbortSignal,
  { peers, since, count, print }: Reading,
): Promise<boolean> {
  let last = since;
  let told = "";
  while (!signal.aborted) {
    let why = "";
    try {
      const request = { stream: true, since: last, ...(count === undefined ? {} : { count }) };
      for await (const record of peers.logs(instance, request, signal)) {
        const entry = logEntry(instance, record);
        // Go Micro gives the last ten, whatever is asked for
        if (entry.time < last) continue;
        print([entry]);
        told = "";
      }
    } catch (error) {
      if (signal.aborted) break;
      if (MicrorunError.from(error).code === "unimplemented") {
        tell(instance, error);
        return false;
      }
      why = errorText(error);
      if (why !== told) tell(instance, error);
    }
    told = why;
    // what comes now is new
    last = Math.max(last, Math.ceil(Date.now() / 1000));
    await pause(againMs, signal);
  }
  return true;
}

function keyOf({ id, namespace = "", address }: Instance): string {
  return JSON.stringify([namespace, id, address]);
}

function tell({ id, address }: Instance, error: unknown): void {
  process.stderr.write(`${plain(`${id} at ${address}: ${errorText(error)}`)}\n`);
}

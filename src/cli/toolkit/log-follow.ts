/** The logs of a service's instances as they are written, of those that come later too. */
import { errorText, MicrorunError } from "../../errors.ts";
import type { Instance } from "../../registry/registry.ts";
import { pause } from "../../wait.ts";
import { plain } from "../command/output.ts";
import type { DebugPeers } from "./debug-peers.ts";
import { type LogEntry, logEntry } from "./log-entry.ts";

/** How long lines of several instances are held to be put in order, ms. */
const holdMs = 200;
/** How soon an instance that broke off is asked again, ms. */
const againMs = 2000;

export interface LogReading {
  readonly peers: DebugPeers;
  /** Seconds since the epoch. */
  readonly since: number;
  /** The last so many of each instance. @default all */
  readonly count: number | undefined;
  /** Takes lines of all instances, to be put in order. */
  readonly print: (entries: readonly LogEntry[]) => void;
}

/** Until aborted, or until no instance is left that can tell. @returns the exit code */
export async function followLogs(reading: LogReading, signal: AbortSignal): Promise<number> {
  const { peers, print } = reading;
  const held: LogEntry[] = [];
  const flush = setInterval(() => print(held.splice(0)), holdMs);
  const followed = new Map<string, { readonly stop: AbortController; readonly end: Promise<boolean> }>();
  try {
    for await (const now of snapshots(peers, signal)) {
      const keys = new Set(now.map(keyOf));
      for (const [key, { stop }] of followed) {
        if (keys.has(key)) continue;
        stop.abort();
        followed.delete(key);
      }
      for (const instance of now) {
        const key = keyOf(instance);
        if (followed.has(key)) continue;
        const stop = new AbortController();
        const tell = (entry: LogEntry): void => void held.push(entry);
        const end = keep(instance, { ...reading, tell }, AbortSignal.any([signal, stop.signal]));
        followed.set(key, { stop, end });
      }
    }
    const ends = await Promise.all([...followed.values()].map(({ end }) => end));
    return ends.every(Boolean) ? 0 : 1;
  } finally {
    clearInterval(flush);
    print(held.splice(0));
  }
}

/** An instance that was named by its address is alone, for ever. */
async function* snapshots(
  { service, instances, registry }: DebugPeers,
  signal: AbortSignal,
): AsyncGenerator<readonly Instance[]> {
  if (registry === undefined) yield instances;
  else yield* registry.watch(service, signal);
}

/** Asks again when it broke off. @returns false for one that has no log to tell */
async function keep(
  instance: Instance,
  { peers, since, count, tell }: LogReading & { readonly tell: (entry: LogEntry) => void },
  signal: AbortSignal,
): Promise<boolean> {
  let from = since;
  let latest: number | undefined;
  let told = "";
  while (!signal.aborted) {
    // once begun, all that comes is new
    const most = count === undefined || latest !== undefined ? {} : { count };
    try {
      const request = { stream: true, since: from, ...most };
      for await (const record of peers.logs(instance, request, signal)) {
        const entry = logEntry(instance, record);
        // Go Micro gives the last ten, whatever is asked for
        if (entry.time < from) continue;
        tell(entry);
        latest = entry.time;
        told = "";
      }
    } catch (error) {
      if (signal.aborted) break;
      const why = errorText(error);
      if (why !== told) tellTrouble(instance, error);
      if (MicrorunError.from(error).code === "unimplemented") return false;
      told = why;
    }
    // what was told is not to be told again
    if (latest !== undefined) from = latest + 1;
    await pause(againMs, signal);
  }
  return true;
}

function keyOf({ id, namespace = "", address }: Instance): string {
  return JSON.stringify([namespace, id, address]);
}

export function tellTrouble({ id, address }: Instance, error: unknown): void {
  process.stderr.write(`${plain(`${id} at ${address}: ${errorText(error)}`)}\n`);
}

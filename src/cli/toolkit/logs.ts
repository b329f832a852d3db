/** `microrun logs`: what the instances of a service logged lately, merged by time, and with --follow what they log from now on. */
import type { Input } from "../command/command.ts";
import { stopSignal } from "../command/discovery.ts";
import { logsFlags } from "../flags/debug-flags.ts";
import { readFlags } from "../flags/values.ts";
import { askEach, openDebugPeers } from "./debug-peers.ts";
import { inOrder, type LogEntry, logEntry, logText } from "./log-entry.ts";
import { followLogs, type LogReading, tellTrouble } from "./log-follow.ts";

export async function start(input: Input): Promise<number> {
  const { follow, since, count, output } = readFlags(logsFlags, input.given, input.env);
  await using peers = await openDebugPeers("logs", input);
  if (peers === undefined) return 1;
  const reading: LogReading = {
    peers,
    since: since === undefined ? 0 : Math.floor((Date.now() - since) / 1000),
    count,
    print: (entries) => {
      const lines = inOrder(entries).map((entry) => logText(entry, output));
      process.stdout.write(lines.join(""));
    },
  };
  // awaited: the peers must outlive it
  return await (follow ? followLogs(reading, stopSignal()) : readLogs(reading));
}

async function readLogs({ peers, since, count, print }: LogReading): Promise<number> {
  const answers = await askEach(peers.instances, async (instance) => {
    const entries: LogEntry[] = [];
    // counted here: Go Micro would give the first of them
    for await (const record of peers.logs(instance, { since })) entries.push(logEntry(instance, record));
    return count === undefined ? entries : entries.slice(-count);
  });
  print(answers.flatMap(({ reply = [] }) => reply));
  for (const { instance, error } of answers) if (error !== undefined) tellTrouble(instance, error);
  return answers.every(({ reply }) => reply !== undefined) ? 0 : 1;
}

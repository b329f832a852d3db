/** `microrun stats`: since when each instance of a service runs, and what it uses, as `micro stats` prints it. */
import type { Input } from "./command.ts";
import { statsFlags } from "./debug-flags.ts";
import { askEach, openDebugPeers, type Reply } from "./debug-peers.ts";
import { answersText, type Report } from "./debug-text.ts";
import { goDuration } from "./go-duration.ts";
import { readFlags } from "./values.ts";

/** Go Micro's fields. */
export interface Stats {
  /** Seconds since the epoch. */
  readonly started: number;
  /** Seconds. */
  readonly uptime: number;
  /** Bytes. */
  readonly memory: number;
  readonly threads: number;
  /** Nanoseconds. */
  readonly gc: number;
  /** v1 does not count them. */
  readonly requests?: number;
  readonly errors?: number;
}

export async function start(input: Input): Promise<number> {
  const { output } = readFlags(statsFlags, input.given, input.env);
  await using peers = await openDebugPeers("stats", input);
  if (peers === undefined) return 1;
  const ask = async (instance: Parameters<typeof peers.ask>[0]) =>
    readStats(await peers.ask(instance, "Stats"));
  const answers = await askEach(peers.instances, ask);
  process.stdout.write(answersText(peers.service, answers, statsReport(output === "wide"), output));
  return answers.every(({ reply }) => reply !== undefined) ? 0 : 1;
}

/** Before this a second of v2's layout is no date, and a date no uptime: 2001. */
const firstDate = 1_000_000_000;

/** @param reply read by v2's layout, which v1 clashes with: its second field, v2's `started`, is the uptime */
export function readStats(reply: Reply): Stats {
  const [timestamp, started, uptime, memory, threads, gc, requests, errors] = [
    ...["timestamp", "started", "uptime", "memory"],
    ...["threads", "gc", "requests", "errors"],
  ].map((name) => Number(reply[name] ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (started < firstDate)
    return { started: timestamp, uptime: started, memory: uptime, threads: memory, gc: threads };
  return { started, uptime, memory, threads, gc, requests, errors };
}

/** @param wide with columns that Go Micro's tool does not know */
export function statsReport(wide: boolean): Report<Stats> {
  const columns = ["started", "uptime", "memory", "threads", "gc"];
  return {
    columns: wide ? [...columns, "requests", "errors"] : columns,
    cells: ({ started, uptime, memory, threads, gc, requests, errors }) => [
      dateText(new Date(started * 1000)),
      goDuration(BigInt(uptime) * 1_000_000_000n),
      `${(memory / 1024 / 1024).toFixed(2)}mb`,
      `${threads}`,
      goDuration(BigInt(gc)),
      ...(wide ? [`${requests ?? ""}`, `${errors ?? ""}`] : []),
    ],
    data: (stats) => stats,
  };
}

/** Go's `Jan 2 15:04:05`, of this machine's zone. */
function dateText(date: Date): string {
  const month = date.toLocaleString("en", { month: "short" });
  return `${month} ${date.getDate()} ${date.toTimeString().slice(0, 8)}`;
}

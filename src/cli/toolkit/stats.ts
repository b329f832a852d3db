/** `microrun stats`: since when each instance of a service runs, and what it uses, as `micro stats` prints it. */
import type { Input } from "../command/command.ts";
import { statsFlags } from "../flags/debug-flags.ts";
import { readFlags } from "../flags/values.ts";
import { askEach, openDebugPeers, type Reply } from "./debug-peers.ts";
import { answersText, type Report } from "./debug-text.ts";
import { goDuration } from "./go-duration.ts";

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
  const answers = await askEach(peers.instances, async (instance) =>
    readStats(await peers.ask(instance, "Stats")),
  );
  process.stdout.write(answersText(peers.service, answers, statsReport(output === "wide"), output));
  return answers.every(({ reply }) => reply !== undefined) ? 0 : 1;
}

/** In 2001: nothing runs since before, and nothing for as many seconds. */
const firstDate = 1_000_000_000;

/** @param reply read by v2's layout, which v1's clashes with: there its second field, `started`, is the uptime */
export function readStats(reply: Reply): Stats {
  const of = (name: string): number => Number(reply[name] ?? 0);
  if (of("started") < firstDate)
    return {
      started: of("timestamp"),
      uptime: of("started"),
      memory: of("uptime"),
      threads: of("memory"),
      gc: of("threads"),
    };
  return {
    started: of("started"),
    uptime: of("uptime"),
    memory: of("memory"),
    threads: of("threads"),
    gc: of("gc"),
    requests: of("requests"),
    errors: of("errors"),
  };
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

/** Makes millions of calls to the compiled binary, no two with the same metadata, and shows whether its memory stays where it is. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compile } from "../scripts/build.ts";
import { peer } from "../test/peers.ts";
import { type Child, type Children, children } from "./children.ts";
import { firstReply, freePort, grpcRequest } from "./first-reply.ts";

const usage = `usage: bun bench/soak.ts [--calls 10000000] [--connections 4] [--concurrency 50] [--transport grpc]
  MICRORUN_BIN measures that binary instead of one built now.`;

/** Loads in turn, each on new connections. */
const rounds = 40;
const quarters = 4;
const sampleMs = 100;
/** What the slowest machine may take for a call, so that a soak that hangs ends. */
const maxMsPerCall = 1;
const graceMs = 30_000;
/** The last quarter against the second. */
const maxGrowth = 1.1;

interface Quarter {
  calls: number;
  errors: number;
  seconds: number;
  cpuMicros: number;
  readonly rssBytes: number[];
}

interface Options {
  readonly calls: number;
  readonly connections: number;
  readonly concurrency: number;
  readonly transport: string;
}

function parse(args: string[]): Options {
  const text = (value: string) => ({ type: "string", default: value }) as const;
  const { values } = parseArgs({
    args,
    options: {
      calls: text("10000000"),
      connections: text("4"),
      concurrency: text("50"),
      transport: text("grpc"),
    },
  });
  const [calls, connections, concurrency] = [values.calls, values.connections, values.concurrency].map(
    Number,
  );
  if (!(calls! >= rounds && connections! >= 1 && concurrency! >= connections!)) throw new Error(usage);
  return { calls: calls!, connections: connections!, concurrency: concurrency!, transport: values.transport };
}

async function soak(options: Options, owned: Children): Promise<readonly Quarter[]> {
  const client = await peer("grpc-go");
  if (client === undefined)
    throw new Error("there is no go in PATH: the load comes from a Go client; install Go");
  const microrun = process.env.MICRORUN_BIN ?? (await compile());
  const port = await freePort();
  const module = join(import.meta.dir, "../test/fixtures/greeter/greeter.ts");
  await using server = owned.serve([
    ...[microrun, module, "--server_name=greeter", "--selector=static", `--transport=${options.transport}`],
    `--server_address=127.0.0.1:${port}`,
  ]);
  await Promise.race([firstReply(port, grpcRequest), server.died]);
  const found = Array.from({ length: quarters }, emptyQuarter);
  for (let round = 0; round < rounds; round++) {
    const quarter = found[Math.floor((round * quarters) / rounds)]!;
    const command = [
      ...[client, "load", `--address=127.0.0.1:${port}`, `--calls=${Math.ceil(options.calls / rounds)}`],
      ...[
        `--connections=${options.connections}`,
        `--concurrency=${options.concurrency}`,
        "--unique-metadata",
      ],
    ];
    await load(command, options, server, owned, quarter);
    console.error(`${round + 1} of ${rounds}: ${megabytes(quarter.rssBytes.at(-1) ?? 0)} MB`);
  }
  return found;
}

function emptyQuarter(): Quarter {
  return { calls: 0, errors: 0, seconds: 0, cpuMicros: 0, rssBytes: [] };
}

async function load(
  command: readonly string[],
  { calls }: Options,
  server: Child,
  owned: Children,
  quarter: Quarter,
): Promise<void> {
  const cpu = server.cpuMicros();
  const timer = setInterval(() => quarter.rssBytes.push(server.rssBytes()), sampleMs);
  try {
    const run = owned.run(command, (calls / rounds) * maxMsPerCall + graceMs);
    const said = JSON.parse(await Promise.race([run, server.died])) as {
      count: number;
      errors: Record<string, number>;
      seconds: number;
    };
    quarter.calls += said.count;
    quarter.errors += Object.values(said.errors).reduce((sum, count) => sum + count, 0);
    quarter.seconds += said.seconds;
    quarter.cpuMicros += server.cpuMicros() - cpu;
  } finally {
    clearInterval(timer);
  }
  quarter.rssBytes.push(server.rssBytes());
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

function table(found: readonly Quarter[]): string {
  const lines = found.map(({ calls, errors, seconds, cpuMicros, rssBytes }, i) => {
    const rss = [Math.min(...rssBytes), median(rssBytes), Math.max(...rssBytes)].map(megabytes);
    const cells = [i + 1, calls, errors, Math.round(calls / seconds), (cpuMicros / calls).toFixed(1), ...rss];
    return `| ${cells.join(" | ")} |`;
  });
  const head = "| quarter | calls | errors | calls/s | CPU µs/call | RSS MB: least | median | most |";
  return [head, "| --- ".repeat(8).concat("|"), ...lines].join("\n");
}

if (!existsSync("/proc/self/status")) throw new Error("memory is read from /proc: run it on Linux");
await using owned = children();
const found = await soak(parse(process.argv.slice(2)), owned);
const growth = median(found[3]!.rssBytes) / median(found[1]!.rssBytes);
const errors = found.reduce((sum, quarter) => sum + quarter.errors, 0);
console.log(
  `${table(found)}\n\nlast quarter / second: ${growth.toFixed(3)} (at most ${maxGrowth}); ${errors} errors`,
);
process.exitCode = growth <= maxGrowth && errors === 0 ? 0 : 1;

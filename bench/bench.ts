/** Sets microrun against bare grpc-js on Bun, grpc-go and bare Bun.serve, in turn, round after round. */
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import manifest from "../package.json" with { type: "json" };
import { type Children, children } from "./children.ts";
import { contenders } from "./contenders.ts";
import { figures, goals } from "./figures.ts";
import { grpcCases, jsonCases, measureLoads, measureSizes, measureStarts } from "./measure.ts";
import { measureOut, measureSpread } from "./out.ts";
import { openPods } from "./pods.ts";
import { report, type Setting } from "./report.ts";
import { openShipping } from "./sizes.ts";

const usage = `usage: npm run bench -- [--rounds 5] [--seconds 2] [--only unary,metadata,single,json,start,out,spread,pods,sizes] [--save]
  --rounds   how often each server has its turn
  --seconds  how long each load lasts
  --only     the cases to run, separated by commas
  --save     write bench/results.md and bench/results.json`;

interface Options {
  readonly rounds: number;
  readonly seconds: number;
  readonly only: ReadonlySet<string>;
  readonly save: boolean;
}

/** Starts are short: several in each round. */
const startsPerRound = 3;
/** The whole run, however the flags multiply. */
const limitMs = 30 * 60_000;

function parse(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: "string", default: "5" },
      seconds: { type: "string", default: "2" },
      only: { type: "string" },
      save: { type: "boolean", default: false },
    },
  });
  const known = [...grpcCases, ...jsonCases]
    .map(({ name }) => name)
    .concat("start", "out", "spread", "pods", "sizes");
  const only = values.only?.split(",") ?? known;
  const strange = only.find((name) => !known.includes(name));
  if (strange !== undefined)
    throw new Error(`--only=${strange}: no such case; use some of ${known.join(",")}`);
  const rounds = Number(values.rounds);
  const seconds = Number(values.seconds);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100)
    throw new Error(`--rounds=${values.rounds}: not a number from 1 to 100`);
  if (!(seconds >= 0.1 && seconds <= 60))
    throw new Error(`--seconds=${values.seconds}: not a number from 0.1 to 60`);
  return { rounds, seconds, only: new Set(only), save: values.save };
}

async function bench({ rounds, seconds, only, save }: Options, owned: Children): Promise<void> {
  const said = (what: string): void => console.error(what);
  said("building");
  const { servers, client, bareCaller, microrun } = await contenders();
  const found = figures();
  const selected = [...grpcCases, ...jsonCases].filter(({ name }) => only.has(name));
  await using pods = only.has("pods") ? await openPods() : undefined;
  await using shipping = only.has("sizes") ? await openShipping(microrun, owned) : undefined;
  for (let round = 1; round <= rounds; round++) {
    said(`round ${round} of ${rounds}`);
    for (const protocol of ["grpc", "json"] as const) {
      const cases = selected.filter((one) => one.protocol === protocol);
      const rivals = servers.filter((one) => one.protocol === protocol);
      if (cases.length > 0) await measureLoads({ cases, servers: rivals, client, seconds }, owned, found);
    }
    for (let run = 0; only.has("start") && run < startsPerRound; run++)
      await measureStarts(servers, owned, found);
    if (only.has("out")) await measureOut({ microrun, bareCaller, server: client, seconds }, owned, found);
    if (only.has("spread")) await measureSpread({ microrun, seconds }, owned, found);
    await pods?.measure(owned, found);
    await shipping?.measure(found);
  }
  measureSizes(servers, found);

  const text = report(found.rows, { ...(await setting()), rounds, seconds });
  console.log(text);
  if (!save) return;
  const data = { ...(await setting()), rounds, seconds, goals: goals(found.rows), rows: found.rows };
  await Bun.write(join(import.meta.dir, "results.md"), `# One run of npm run bench\n\n${text}\n`);
  await Bun.write(join(import.meta.dir, "results.json"), `${JSON.stringify(data, null, 2)}\n`);
}

async function setting(): Promise<Pick<Setting, "machine" | "versions">> {
  const grpcGo = await Bun.file(join(import.meta.dir, "../test/peers/grpc-go/go.mod")).text();
  const { dependencies } = manifest;
  return {
    machine: `${cpus().length} cores shared by server and client, ${Math.round(totalmem() / 1e9)} GB, Linux ${process.arch}`,
    versions: {
      microrun: manifest.version,
      Bun: Bun.version,
      "grpc-js": dependencies["@grpc/grpc-js"],
      protobufjs: dependencies.protobufjs,
      "grpc-go": /google\.golang\.org\/grpc v(\S+)/.exec(grpcGo)?.[1] ?? "unknown",
    },
  };
}

let options: Options;
try {
  options = parse(process.argv.slice(2));
} catch (error) {
  console.error(`error: ${(error as Error).message}\n${usage}`);
  process.exit(2);
}
const owned = children();
const stop = async (why: string, code: number): Promise<never> => {
  console.error(why);
  await owned[Symbol.asyncDispose]();
  process.exit(code);
};
for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => stop(`stopped by ${name}`, 130));
setTimeout(() => stop(`error: no end within ${limitMs / 60_000} minutes`, 1), limitMs).unref();
if (process.platform !== "linux") await stop("error: the figures are read from /proc: run it on Linux", 1);
try {
  await bench(options, owned);
  await owned[Symbol.asyncDispose]();
} catch (error) {
  await stop(`error: ${(error as Error).message}`, 1);
}

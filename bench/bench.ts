/** Sets microrun against grpc-go, go-micro, bare grpc-js on Bun and bare Bun.serve, in turn, round after round. */
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import manifest from "../package.json" with { type: "json" };
import { type Case, grpcCases, jsonCases, observedCases } from "./cases.ts";
import { type Children, children } from "./children.ts";
import { contenders } from "./contenders.ts";
import { type Figures, figures } from "./figures.ts";
import { goals } from "./goals.ts";
import { measureLoads, measureSizes, measureStarts } from "./measure.ts";
import { measureOut, measureSpread } from "./out.ts";
import { openPods } from "./pods.ts";
import { report, type Setting } from "./report.ts";
import { openShipping } from "./sizes.ts";
import { measureWorkers, workersMissing, workersNote } from "./workers.ts";

const known = [...grpcCases, ...jsonCases, ...observedCases]
  .map(({ name }) => name)
  .concat("workers", "start", "out", "spread", "pods", "sizes");

const usage = `usage: npm run bench -- [--rounds 5] [--seconds 2] [--only CASE,CASE] [--save]
  --rounds   how often each server has its turn
  --seconds  how long each load lasts
  --only     the cases to run, of ${known.join(",")}
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
  const { grpc, json, observed, client, bareCaller, microrun } = await contenders();
  const found = figures();
  const of = (cases: readonly Case[]): readonly Case[] => cases.filter((one) => runs(one, only, found));
  const turns = [
    { group: "grpc", cases: of(grpcCases), servers: grpc },
    { group: "json", cases: of(jsonCases), servers: json },
    { group: "observed", cases: of(observedCases), servers: observed },
  ] as const;
  const workers = only.has("workers") && (await workersRun(microrun, owned, found));
  await using pods = only.has("pods") ? await openPods() : undefined;
  await using shipping = only.has("sizes") ? await openShipping(microrun, owned) : undefined;
  for (let round = 1; round <= rounds; round++) {
    said(`round ${round} of ${rounds}`);
    for (const turn of turns)
      if (turn.cases.length > 0) await measureLoads({ ...turn, client, seconds }, owned, found);
    if (workers) await measureWorkers({ microrun, client, seconds }, owned, found);
    for (let run = 0; only.has("start") && run < startsPerRound; run++) {
      await measureStarts("grpc", grpc, owned, found);
      await measureStarts("json", json, owned, found);
    }
    if (only.has("out")) await measureOut({ microrun, bareCaller, server: client, seconds }, owned, found);
    if (only.has("spread")) await measureSpread({ microrun, seconds }, owned, found);
    await pods?.measure(owned, found);
    await shipping?.measure(found);
  }
  measureSizes("grpc", grpc, found);
  measureSizes("json", json, found);

  const text = report(found, { ...(await setting()), rounds, seconds });
  console.log(text);
  if (!save) return;
  const data = {
    ...(await setting()),
    rounds,
    seconds,
    notes: found.notes,
    goals: goals(found.rows),
    rows: found.rows,
  };
  await Bun.write(join(import.meta.dir, "results.md"), `# One run of npm run bench\n\n${text}\n`);
  await Bun.write(join(import.meta.dir, "results.json"), `${JSON.stringify(data, null, 2)}\n`);
}

/** Asked for, and possible here: what is not is noted. */
function runs({ name, missing }: Case, only: ReadonlySet<string>, found: Figures): boolean {
  const why = only.has(name) ? missing?.() : undefined;
  if (why !== undefined) found.note(`${name}: left out, ${why}`);
  return only.has(name) && why === undefined;
}

async function workersRun(microrun: string, owned: Children, found: Figures): Promise<boolean> {
  const why = await workersMissing(microrun, owned);
  const note = why === undefined ? workersNote() : `workers: left out, ${why}`;
  if (note !== undefined) found.note(note);
  return why === undefined;
}

async function setting(): Promise<Pick<Setting, "machine" | "versions">> {
  const { dependencies } = manifest;
  return {
    machine: `${cpus().length} cores shared by server and client, ${Math.round(totalmem() / 1e9)} GB, Linux ${process.arch}`,
    versions: {
      microrun: manifest.version,
      Bun: Bun.version,
      "grpc-js": dependencies["@grpc/grpc-js"],
      protobufjs: dependencies.protobufjs,
      "grpc-go": await required("grpc-go", "google.golang.org/grpc"),
      "go-micro v2": await required("v2", "github.com/micro/go-micro/v2"),
      "go-micro v5": await required("v5", "go-micro.dev/v5"),
    },
  };
}

/** The version of a module that a peer is built with. */
async function required(peer: string, module: string): Promise<string> {
  const text = await Bun.file(join(import.meta.dir, `../test/peers/${peer}/go.mod`)).text();
  const line = text.split("\n").find((one) => one.trim().replace("require ", "").startsWith(`${module} v`));
  return line?.split(" v")[1]?.split(" ")[0] ?? "unknown";
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

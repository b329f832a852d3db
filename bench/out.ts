/** Calls that a module makes: through selector and pool beside other clients, and spread over instances of which one is slow. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CallFigures } from "./call-loop.ts";
import type { Children } from "./children.ts";
import { cpuOfCallOut, type Figures, slowestCalls } from "./figures.ts";
import { firstReply, freePort } from "./first-reply.ts";
import { nameOf, type OutCase, outCases, timeoutMs } from "./out-cases.ts";

export interface OutOptions {
  readonly microrun: string;
  readonly bareCaller: string;
  /** grpc-go's server. */
  readonly server: string;
  readonly seconds: number;
}

const warmupSeconds = 1.5;
/** What a caller may take beyond its own time. */
const graceMs = 20_000;
const caller = join(import.meta.dir, "caller.ts");
const pacedGreeter = join(import.meta.dir, "paced-greeter.ts");

/** All callers in turn, case by case, against the same server. */
export async function measureOut(options: OutOptions, owned: Children, found: Figures): Promise<void> {
  const { microrun, bareCaller, server, seconds } = options;
  using registry = registryFolder();
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  await using child = owned.serve([server, "serve", `--address=${address}`]);
  await Promise.race([firstReply(port), child.died]);
  const node = { id: "greeter-1", address, metadata: { protocol: "grpc" } };
  const service = JSON.stringify({ name: "greeter", version: "latest", nodes: [node] });
  await owned.run(
    [microrun, "register", service, "--registry=local", "--register_ttl=1h"],
    graceMs,
    registry.env,
  );
  for (const which of outCases) {
    const loop = [which.name, `${which.concurrency}`, `${seconds}`, `${warmupSeconds}`];
    const callers: Record<string, () => Promise<CallFigures>> = {
      microrun: () =>
        callFigures(
          [microrun, "run", caller, "--registry=local", "--selector=p2c", "--", ...loop],
          seconds,
          owned,
          registry.env,
        ),
      "grpc-js": () => callFigures([bareCaller, address, ...loop], seconds, owned, registry.env),
      "grpc-go": () => goFigures([server, "load", `--address=${address}`], which, seconds, owned),
    };
    for (const [name, measure] of Object.entries(callers)) {
      const { cpuUs, rate, p50Us, p99Us } = await measure();
      const { title, messages = 1 } = which;
      found.add("out", `${title}: ${cpuOfCallOut}`, "µs", name, cpuUs / messages);
      found.add("out", `${title}: rate`, "req/s", name, rate * messages);
      found.add("out", `${title}: p50`, "µs", name, p50Us);
      found.add("out", `${title}: p99`, "µs", name, p99Us);
    }
  }
}

/** grpc-go's client, which says what its load cost in words of its own. */
async function goFigures(
  load: readonly string[],
  which: OutCase,
  seconds: number,
  owned: Children,
): Promise<CallFigures> {
  const { concurrency, size, metadata, messages } = which;
  const command = [...load, `--concurrency=${concurrency}`, `--duration=${seconds}s`];
  command.push(`--warmup=${warmupSeconds}s`);
  if (messages === undefined) command.push(`--deadline=${timeoutMs}ms`);
  else command.push("--kind=server", `--name=${nameOf(which)}`);
  if (size !== undefined) command.push(`--size=${size}`);
  if (metadata) command.push("--unique-metadata");
  const said = JSON.parse(await owned.run(command, (seconds + warmupSeconds) * 1000 + graceMs)) as {
    count: number;
    errors: Record<string, number>;
    rate: number;
    p50: number;
    p99: number;
    cpuUs: number;
  };
  if (Object.keys(said.errors).length > 0) throw new Error(`calls failed: ${JSON.stringify(said.errors)}`);
  const { count, rate, p50, p99, cpuUs } = said;
  return { count, rate, p50Us: p50, p99Us: p99, cpuUs: cpuUs / count };
}

/** Milliseconds that each of the five instances takes for a call. */
const paces = [2, 2, 2, 2, 50];

export async function measureSpread(
  { microrun, seconds }: Pick<OutOptions, "microrun" | "seconds">,
  owned: Children,
  found: Figures,
): Promise<void> {
  using registry = registryFolder();
  await using stack = new AsyncDisposableStack();
  for (const pace of paces) {
    const port = await freePort();
    const command = [microrun, "run", pacedGreeter, "--server_name=greeter", "--registry=local"];
    const env = { ...registry.env, PACE_MS: `${pace}` };
    const child = stack.use(owned.serve([...command, `--server_address=127.0.0.1:${port}`], env));
    await Promise.race([firstReply(port), child.died]);
  }
  for (const selector of ["p2c", "roundrobin"]) {
    const loop = ["unary", "20", `${seconds}`, `${warmupSeconds}`];
    const command = [microrun, "run", caller, "--registry=local", `--selector=${selector}`, "--", ...loop];
    const figures = await callFigures(command, seconds, owned, registry.env);
    found.add("spread", slowestCalls, "µs", selector, figures.p99Us);
    found.add("spread", "one slow of five: p50", "µs", selector, figures.p50Us);
    found.add("spread", "one slow of five: rate", "req/s", selector, figures.rate);
  }
}

async function callFigures(
  command: readonly string[],
  seconds: number,
  owned: Children,
  env: Readonly<Record<string, string>>,
): Promise<CallFigures> {
  return JSON.parse(await owned.run(command, (seconds + warmupSeconds) * 1000 + graceMs, env)) as CallFigures;
}

/** A local registry that nobody else sees. */
function registryFolder(): Disposable & { readonly env: Readonly<Record<string, string>> } {
  const path = mkdtempSync(join(tmpdir(), "microrun-bench-"));
  return {
    env: { XDG_RUNTIME_DIR: path },
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** Calls that a module makes: through selector and pool beside a bare channel, and spread over instances of which one is slow. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CallFigures } from "./call-loop.ts";
import type { Children } from "./children.ts";
import { cpuOfCallOut, type Figures, slowestCalls } from "./figures.ts";
import { firstReply, freePort } from "./first-reply.ts";

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

/** Both callers in turn, against the same server. */
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
  const loop = ["50", `${seconds}`, `${warmupSeconds}`];
  const callers = {
    microrun: [microrun, "run", caller, "--registry=local", "--selector=p2c", "--", ...loop],
    "grpc-js": [bareCaller, address, ...loop],
  };
  for (const [name, command] of Object.entries(callers)) {
    const figures = await callFigures(command, seconds, owned, registry.env);
    found.add("out", cpuOfCallOut, "µs", name, figures.cpuUs);
    found.add("out", "50 at a time: rate", "req/s", name, figures.rate);
    found.add("out", "50 at a time: p99", "µs", name, figures.p99Us);
  }
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
    const loop = ["20", `${seconds}`, `${warmupSeconds}`];
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

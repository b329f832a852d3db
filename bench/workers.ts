/** Two workers against one: the calls that the same port answers, of a greeter that computes and of one that only greets. */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Children } from "./children.ts";
import { type Figures, workersOfComputing, workersOfGreeting } from "./figures.ts";
import { firstReply, freePort, grpcRequest } from "./first-reply.ts";
import { h2load, h2loadMissing } from "./h2load.ts";

export interface WorkersOptions {
  readonly microrun: string;
  readonly client: string;
  readonly seconds: number;
}

const counts = [1, 2];
/** Two of the server, one of the load. */
const coresWanted = 3;
/** The kernel spreads connections at random: enough for each worker to get its share. */
const load = h2load(32, 4);
const warmupSeconds = 1.5;
/** For a second worker to be up after the first has answered. */
const settleMs = 1000;
const helpLimitMs = 10_000;

const modules = [
  { module: "computing-greeter.ts", what: workersOfComputing },
  { module: "greeter.ts", what: workersOfGreeting },
];

/** Why it cannot be measured. */
export async function workersMissing(microrun: string, owned: Children): Promise<string | undefined> {
  const help = await owned.run([microrun, "run", "--help"], helpLimitMs);
  return help.includes("--workers") ? h2loadMissing() : "this microrun has no --workers";
}

/** What must be known to read the figures. */
export const workersNote = (): string | undefined =>
  availableParallelism() >= coresWanted
    ? undefined
    : `workers: ${availableParallelism()} cores, so that "${workersOfGreeting}" shows the load's share of them more than the server's`;

export async function measureWorkers(
  { microrun, client, seconds }: WorkersOptions,
  owned: Children,
  found: Figures,
): Promise<void> {
  for (const { module, what } of modules) {
    for (const count of counts) {
      const port = await freePort();
      const run = [microrun, "run", join(import.meta.dir, module), "--server_name=greeter"];
      const where = ["--selector=static", `--server_address=127.0.0.1:${port}`, `--workers=${count}`];
      await using child = owned.serve([...run, ...where]);
      const answered = async (): Promise<number> => {
        await firstReply(port, grpcRequest);
        await Bun.sleep(settleMs);
        await load({ port, seconds: warmupSeconds, owned, client });
        return (await load({ port, seconds, owned, client })).rate;
      };
      found.add("workers", what, "req/s", `${count}`, await Promise.race([answered(), child.died]));
    }
  }
}

/** A service as one process, or as several workers under this one: they share its ports, it announces them and ends them. */
import { type Announcement, register } from "./announce.ts";
import { errorText, usageError } from "./errors.ts";
import { createLog, type Log } from "./log.ts";
import * as plugins from "./plugins.ts";
import { type Ready, run } from "./run.ts";
import { hostRuntime } from "./runtime/host.ts";
import type { Child, Runtime } from "./runtime/runtime.ts";
import { takeSignals } from "./runtime/signals.ts";
import type { Settings, Settle } from "./settings.ts";
import { aborted, pause } from "./wait.ts";
import { isWorker, launchVariable, takeSeat } from "./workers/seat.ts";
import type { Launch } from "./workers/workers.ts";

/** How much longer than its calls and the module's `stop` may take a worker may need to end. */
const maxFarewellMs = 5000;

/** Where lines of the log go: to stderr, which workers share. */
export async function openLines(): Promise<(line: string) => void> {
  if (!isWorker(process)) return (line) => void process.stderr.write(`${line}\n`);
  const stderrDescriptor = 2;
  return (await plugins.workers.lines()).sharedLines(stderrDescriptor);
}

/** As `run`; `onReady` is told once, however many workers there are. */
export async function runProcesses(
  asked: Settings,
  settle: Settle,
  onReady: (ready: Ready) => void,
): Promise<number> {
  const seat = takeSeat(process);
  if (seat !== undefined) {
    const speaks = seat.launch.worker === 1 && !seat.launch.serving;
    return run(asked, settle, speaks ? onReady : () => {}, seat);
  }
  const { workers = 1 } = asked;
  const count = workers === "auto" ? (await plugins.workers.cores()).usableCores() : workers;
  if (count === 1) return run(asked, settle, onReady);
  const { fork, name } = await hostRuntime();
  if (fork === undefined)
    throw usageError(
      `--workers=${workers}: ${name} cannot start workers`,
      "run the microrun executable, or leave --workers out",
    );
  return supervise(asked, count, fork);
}

/** The life of the parent: what starts is undone backwards. */
async function supervise(
  asked: Settings,
  count: number,
  fork: NonNullable<Runtime["fork"]>,
): Promise<number> {
  const level = asked.live.logLevel;
  const log = createLog({ write: (line) => process.stderr.write(`${line}\n`), ...asked.log, level });
  using signals = takeSignals(log);
  const stopping = aborted(signals.stop);
  const { createSupervisor } = await plugins.workers.supervisor();
  const start = (launch: Launch, heard: (report: never) => void): Child =>
    fork({ env: { [launchVariable]: JSON.stringify(launch) }, heard: heard as (message: unknown) => void });
  const supervisor = createSupervisor({
    ...{ count, start, pause, log, now: Date.now },
    nodeId: crypto.randomUUID(),
  });
  // whatever ends this process
  process.once("exit", supervisor.kill);
  log.info(`Starting ${count} workers`);

  let drainTimeoutMs = asked.drainTimeoutMs;
  let failed = 0;
  const begun = await Promise.race([supervisor.start(), stopping]);
  if (typeof begun === "number") failed = begun;
  else if (begun !== undefined) {
    const announcement = begun.announcement as Announcement;
    ({ drainTimeoutMs } = announcement);
    await using stack = new AsyncDisposableStack();
    const opening = openAnnouncement(announcement, log);
    const told = await Promise.race([opening, stopping]);
    if (told === undefined) opening.then((late) => late[Symbol.asyncDispose]()).catch(() => {});
    else {
      stack.defer(() => pause(signals.stop.aborted ? announcement.drainDelayMs : 0));
      stack.use(told);
    }
    stack.defer(() => supervisor.stop(errorText(signals.stop.reason ?? "no worker is left")));
    failed = (await Promise.race([supervisor.serve(), stopping])) ?? 0;
  }
  supervisor.stop(errorText(signals.stop.reason ?? "a worker did not start"));
  const left = await supervisor.close(2 * drainTimeoutMs + maxFarewellMs);
  log.info("all workers have ended");
  return failed || (signals.failed ? 1 : left);
}

async function openAnnouncement({ instance, mesh }: Announcement, log: Log): Promise<AsyncDisposable> {
  await using opened = new AsyncDisposableStack();
  if (instance !== undefined) {
    const options = { mesh, env: process.env, log };
    const registry = opened.use(await plugins.choose(plugins.registries, "registry", mesh.registry, options));
    opened.use(await register(registry, instance, log));
  }
  return opened.move();
}

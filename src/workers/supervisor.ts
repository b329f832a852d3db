/** The parent's side: starts workers, replaces those that die or fall silent, and ends them together. */
import type { Log } from "../log.ts";
import type { Child } from "../runtime/runtime.ts";
import { createTally } from "./tally.ts";
import { type Launch, type Order, type Report, reportMs, type Started } from "./workers.ts";

/** The first pause before a dead worker is replaced; it doubles with each death. */
export const minBackoffMs = 100;
export const maxBackoffMs = 10_000;
/** A worker that has served for so long died of something else than the one before it. */
export const steadyMs = 60_000;
/** A worker that has not reported for so many times in a row hangs. */
export const maxSilences = 30;

export interface SupervisorOptions {
  readonly count: number;
  readonly nodeId: string;
  readonly start: (launch: Launch, heard: (report: Report) => void) => Child;
  /** In ms since the epoch. */
  readonly now: () => number;
  /** Resolves after `ms`, or at once when aborted. */
  readonly pause: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly log: Log;
}

export interface Supervisor {
  /** The first worker, and when it listens the others. @returns what the first told; a number: the exit code of one that did not start */
  start(): Promise<Started | number>;
  /** Calls are welcome: from now on the dead are replaced. @returns the exit code once there is nobody left to serve */
  serve(): Promise<number>;
  /** None is ready any more, none is replaced. */
  stop(reason: string): void;
  /** Refuse calls, finish those under way. @returns 1 when one ended badly or was killed after `maxMs` */
  close(maxMs: number): Promise<number>;
  kill(): void;
}

interface Worker {
  readonly number: number;
  readonly child: Child;
  readonly started: Promise<Started | number>;
  readonly bornAt: number;
  serving: boolean;
  silences: number;
}

export function createSupervisor(options: SupervisorOptions): Supervisor {
  const { count, nodeId, start, now, pause, log } = options;
  const since = Math.floor(now() / 1000);
  const workers = new Map<number, Worker>();
  const deaths = new Map<number, number>();
  const tally = createTally();
  const stopping = new AbortController();
  const failed = Promise.withResolvers<number>();
  let addresses: Started["addresses"] | undefined;
  let state: "starting" | "serving" | "stopping" = "starting";

  const order = (order: Order): void => {
    for (const { child } of workers.values()) child.send(order);
  };

  const launch = (number: number): Worker => {
    const { promise, resolve } = Promise.withResolvers<Started | number>();
    const hear = (report: Report): void => {
      worker.silences = 0;
      if (report.kind === "started") {
        worker.serving = state === "serving";
        resolve(report.started);
      } else {
        tally.set(number, report.counts);
        worker.child.send({ kind: "counts", counts: tally.others(number) } satisfies Order);
      }
    };
    const child = start(
      {
        ...{ worker: number, of: count, nodeId, since, serving: state === "serving" },
        ...(addresses === undefined ? {} : { addresses }),
      },
      hear,
    );
    const worker = { number, child, started: promise, bornAt: now(), serving: false, silences: 0 };
    workers.set(number, worker);
    void child.ended.then((code) => {
      workers.delete(number);
      tally.end(number);
      resolve(code);
      if (state === "serving") void replace(worker, code);
    });
    return worker;
  };

  const replace = async ({ number, bornAt, serving }: Worker, code: number): Promise<void> => {
    const alone = ![...workers.values()].some((other) => other.serving);
    if (!serving && alone) {
      log.error(`worker ${number} could not start, and no other is left`, { code });
      return failed.resolve(code || 1);
    }
    const before = now() - bornAt >= steadyMs ? 0 : (deaths.get(number) ?? 0);
    deaths.set(number, before + 1);
    const ms = Math.min(maxBackoffMs, minBackoffMs * 2 ** before);
    log.error(`worker ${number} ended: another takes its place in ${ms} ms`, { code });
    await pause(ms, stopping.signal);
    if (state === "serving") launch(number);
  };

  const watchSilence = async (): Promise<void> => {
    while (state === "serving") {
      await pause(reportMs, stopping.signal);
      for (const worker of workers.values()) {
        if (!worker.serving || ++worker.silences <= maxSilences) continue;
        log.error(`worker ${worker.number} hangs: it is killed`);
        worker.child.kill();
      }
    }
  };

  return {
    async start() {
      const one = launch(1);
      const first = await one.started;
      if (typeof first === "number") return first;
      addresses = first.addresses;
      const others = Array.from({ length: count - 1 }, (_, i) => launch(i + 2).started);
      const allStarted = Promise.all(others.map(async (started) => must(await started)));
      try {
        // that the first dies meanwhile ends it too
        await Promise.race([allStarted, one.child.ended.then(must)]);
      } catch (code) {
        return code as number;
      }
      return first;
    },
    serve() {
      state = "serving";
      for (const worker of workers.values()) worker.serving = true;
      order({ kind: "serve" });
      for (let number = 1; number <= count; number++) if (!workers.has(number)) launch(number);
      void watchSilence();
      return failed.promise;
    },
    stop(reason) {
      state = "stopping";
      stopping.abort();
      order({ kind: "stop", reason });
    },
    async close(maxMs) {
      state = "stopping";
      const ended = Promise.all([...workers.values()].map(({ child }) => child.ended));
      order({ kind: "close" });
      const waited = new AbortController();
      const codes = await Promise.race([ended, pause(maxMs, waited.signal)]);
      waited.abort();
      if (codes !== undefined) return codes.every((code) => code === 0) ? 0 : 1;
      log.warn(`${workers.size} workers did not end and are killed`);
      this.kill();
      await ended;
      return 1;
    },
    kill() {
      for (const { child } of workers.values()) child.kill();
    },
  };
}

/** Of workers that start. */
function must(started: Started | number): Started {
  if (typeof started === "number") throw started;
  return started;
}

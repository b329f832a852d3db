/** Calls made by one process, so many at a time for so long, and what they cost it. */

export interface CallFigures {
  readonly count: number;
  readonly rate: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** CPU time of the calling process, all its threads, per call. */
  readonly cpuUs: number;
}

export interface CallLoop {
  readonly concurrency: number;
  readonly seconds: number;
  /** Before anything counts: compilers need some 10,000 calls. */
  readonly warmupSeconds: number;
}

/** @throws what the first call that fails throws */
export async function callLoop(call: () => Promise<unknown>, loop: CallLoop): Promise<CallFigures> {
  await during(loop.warmupSeconds, loop.concurrency, call);
  const cpu = process.cpuUsage();
  const began = performance.now();
  const micros = await during(loop.seconds, loop.concurrency, call);
  const elapsed = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  micros.sort((a, b) => a - b);
  const at = (share: number): number => micros[Math.ceil(share * micros.length) - 1] ?? 0;
  const count = micros.length;
  return { count, rate: count / elapsed, p50Us: at(0.5), p99Us: at(0.99), cpuUs: (user + system) / count };
}

async function during(seconds: number, concurrency: number, call: () => Promise<unknown>): Promise<number[]> {
  const micros: number[] = [];
  const end = performance.now() + seconds * 1000;
  const caller = async (): Promise<void> => {
    for (let began = performance.now(); began < end; began = performance.now()) {
      await call();
      micros.push((performance.now() - began) * 1000);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
  return micros;
}

/** What followed the program's name: `CONCURRENCY SECONDS WARMUP`. */
export function loopOf([concurrency, seconds, warmupSeconds]: readonly string[]): CallLoop {
  return {
    concurrency: Number(concurrency),
    seconds: Number(seconds),
    warmupSeconds: Number(warmupSeconds),
  };
}

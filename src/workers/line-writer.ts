/** Writes lines where other processes write, too: each by a system call of its own, which the system does not mix with another's. */
import { writeSync } from "node:fs";

/** How many lines may wait for a slow reader; whoever writes one more waits as well. */
export const maxWaitingLines = 10_000;
/** How often a full pipe is tried again, in ms. */
const retryMs = 5;
/** How long the end of the process may wait for its last lines, in ms. */
const maxFlushMs = 500;

export interface LineWriter {
  (line: string): void;
  /** Writes what still waits, for as long as the reader takes something in time. */
  readonly flush: () => void;
}

export interface LineWriterOptions {
  /** Takes as many bytes as it can; throws `EAGAIN` when none. */
  readonly write: (bytes: Uint8Array) => number;
  /** Calls back a little later. */
  readonly later: (retry: () => void) => void;
  /** Lets that time pass. */
  readonly sleep: () => void;
}

/** Of up to 4096 bytes (PIPE_BUF, pipe(7)) a line is written whole, also to a pipe that never blocks. */
export function lineWriter({ write, later, sleep }: LineWriterOptions): LineWriter {
  let waiting: Uint8Array[] = [];
  let retrying = false;

  /** @returns false: the reader is behind */
  const send = (): boolean => {
    for (let i = 0; i < waiting.length; i++) {
      const bytes = waiting[i]!;
      const taken = attempt(write, bytes);
      if (taken === bytes.length) continue;
      waiting = [bytes.subarray(taken), ...waiting.slice(i + 1)];
      return false;
    }
    waiting = [];
    return true;
  };
  const retry = (): void => {
    retrying = false;
    if (!send()) schedule();
  };
  const schedule = (): void => {
    if (retrying) return;
    retrying = true;
    later(retry);
  };
  const put = (line: string): void => {
    while (waiting.length >= maxWaitingLines && !send()) sleep();
    waiting.push(Buffer.from(`${line}\n`));
    if (!retrying && !send()) schedule();
  };
  const flush = (): void => {
    const end = Date.now() + maxFlushMs;
    while (!send() && Date.now() < end) sleep();
  };
  return Object.assign(put, { flush });
}

/** To a file descriptor, to the end of the process. */
export function sharedLines(descriptor: number): (line: string) => void {
  const writer = lineWriter({
    write: (bytes) => writeSync(descriptor, bytes),
    later: (retry) => void setTimeout(retry, retryMs),
    sleep: () => Bun.sleepSync(retryMs),
  });
  process.once("exit", writer.flush);
  return writer;
}

function attempt(write: LineWriterOptions["write"], bytes: Uint8Array): number {
  try {
    return write(bytes);
  } catch (error) {
    // where nobody reads, nothing waits
    return (error as NodeJS.ErrnoException).code === "EAGAIN" ? 0 : bytes.length;
  }
}

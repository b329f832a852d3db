/** A process of a service: in a group of its own, so that a terminal's Ctrl-C reaches its parent alone, and nothing that it starts outlives it. */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import type { Readable } from "node:stream";
import { errorText } from "../errors.ts";

/** How long after its end its last lines are waited for, in ms. */
const maxLastLinesMs = 1000;
/** How often what may not have heard a stop is asked again, in ms. */
const askAgainMs = 500;
/** As a shell tells that there is no such program. */
const notFound = 127;

export interface Launch {
  readonly words: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Signals go to all that it starts, too: a shell, or `go run`, does not pass them on. */
  readonly group: boolean;
  /** It restarts itself, and may not hear a signal that comes just then: SIGHUP asks again, and is heard once. */
  readonly restarts: boolean;
}

export interface Process {
  /** The exit code, as a shell tells it: 128 and the number of the signal. */
  readonly ended: Promise<number>;
  /** SIGTERM. */
  stop(): void;
  kill(): void;
}

export interface Listener {
  /** Reads a stream to its end. */
  readonly read: (stream: Readable, name: "stdout" | "stderr") => Promise<void>;
  readonly began: (pid: number) => void;
  readonly ended: (pid: number) => void;
  /** It could not be started. */
  readonly failed: (why: string) => void;
}

/** Never throws. */
export function startProcess(launch: Launch, to: Listener): Process {
  const { words, cwd, env, group, restarts } = launch;
  const [program, ...args] = words;
  const { promise: ended, resolve } = Promise.withResolvers<number>();
  const child = spawn(program!, args, {
    ...{ cwd, env: env as NodeJS.ProcessEnv },
    ...{ detached: true, stdio: ["ignore", "pipe", "pipe"] },
  });
  const { pid } = child;
  child.once("error", (error) => {
    if (child.pid !== undefined) return;
    to.failed(`cannot start ${program}: ${errorText(error)}`);
    resolve(notFound);
  });
  if (pid === undefined) return { ended, stop() {}, kill() {} };

  const signal = (name: NodeJS.Signals, target: number): void => {
    try {
      process.kill(target, name);
    } catch {
      // it has ended
    }
  };
  to.began(pid);
  const read = Promise.allSettled([to.read(child.stdout!, "stdout"), to.read(child.stderr!, "stderr")]);
  let running = true;
  let asking: ReturnType<typeof setInterval> | undefined;
  child.once("exit", async (code, name) => {
    running = false;
    clearInterval(asking);
    // what it has left behind
    signal("SIGKILL", -pid);
    to.ended(pid);
    let timer: ReturnType<typeof setTimeout> | undefined;
    await Promise.race([read, new Promise((late) => (timer = setTimeout(late, maxLastLinesMs)))]);
    clearTimeout(timer);
    resolve(code ?? 128 + constants.signals[name!]);
  });
  return {
    ended,
    stop() {
      if (!running) return;
      signal("SIGTERM", group ? -pid : pid);
      if (restarts) asking ??= setInterval(() => signal("SIGHUP", pid), askAgainMs);
    },
    kill() {
      if (running) signal("SIGKILL", -pid);
    },
  };
}

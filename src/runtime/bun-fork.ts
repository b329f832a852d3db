/** Child processes of the same program on Bun, with a channel to each. */
import { constants } from "node:os";
import type { Child, ForkOptions } from "./runtime.ts";

export function forkWithBun({ env, heard }: ForkOptions): Child {
  const ended = Promise.withResolvers<number>();
  const child = Bun.spawn([...ownProgram(), ...process.argv.slice(2)], {
    env: { ...process.env, ...env },
    stdin: "ignore",
    stdout: "inherit",
    stderr: "inherit",
    ipc: (message) => heard(message),
    onExit(_, code, signal) {
      ended.resolve(code ?? 128 + signalNumber(signal));
    },
  });
  return {
    send(message) {
      try {
        child.send(message);
      } catch {
        // it has just ended: `ended` tells
      }
    },
    kill: () => child.kill("SIGKILL"),
    ended: ended.promise,
  };
}

/** The words that start this program, without its arguments. */
export function ownProgram(): string[] {
  return [process.execPath, ...(Bun.isStandaloneExecutable ? [] : [...process.execArgv, Bun.main])];
}

/** @param signal Bun tells a name, and its types a number */
function signalNumber(signal: unknown): number {
  return typeof signal === "number" ? signal : (constants.signals[signal as NodeJS.Signals] ?? 0);
}

/** A small process beside this one that ends the others when this one is gone, however it went. */
import { spawn } from "node:child_process";
import { rm } from "node:fs/promises";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { pause } from "../wait.ts";

/** How a process learns that it is a guardian: it names the folder to be removed. */
export const guardianVariable = "MICRORUN_GUARDIAN";
/** How long those that are told to end may take, in ms. */
const maxFarewellMs = 15_000;
const lookMs = 50;

export interface Guardian {
  began(pid: number): void;
  ended(pid: number): void;
  /** All has ended well. */
  dismiss(): Promise<void>;
}

/** @param words that start this program's `guard` */
export function startGuardian([program, ...args]: readonly string[], folder: string): Guardian {
  const child = spawn(program!, args, {
    env: { ...process.env, [guardianVariable]: folder },
    // of another session: neither Ctrl-C nor the end of the terminal reaches it
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  const ended = new Promise<void>((done) => child.once("exit", () => done()).once("error", () => done()));
  child.stdin!.on("error", () => {});
  const tell = (line: string): void => void child.stdin!.write(`${line}\n`);
  return {
    began: (pid) => tell(`+${pid}`),
    ended: (pid) => tell(`-${pid}`),
    async dismiss() {
      tell("done");
      child.stdin!.end();
      await ended;
    },
  };
}

/** The guardian's own life. `input` ends with the process that it looks after. */
export async function guard(input: Readable, folder: string): Promise<number> {
  const leaders: number[] = [];
  for await (const line of createInterface({ input })) {
    if (line === "done") return 0;
    const pid = Number(line.slice(1));
    if (line.startsWith("+")) leaders.push(pid);
    else leaders.splice(leaders.indexOf(pid), 1);
  }
  for (const pid of leaders.toReversed()) signal(pid, "SIGTERM");
  const end = Date.now() + maxFarewellMs;
  while (leaders.some((pid) => signal(pid, 0)) && Date.now() < end) await pause(lookMs);
  for (const pid of leaders) signal(pid, "SIGKILL");
  await rm(folder, { recursive: true, force: true });
  return 0;
}

/** To all of its group. @returns false: there is none left */
function signal(leader: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-leader, name);
  } catch {
    return false;
  }
}

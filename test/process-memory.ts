/** How much memory a process has in use, where the system tells. */
import { readFileSync } from "node:fs";

const pageBytes = 4096;

/** Resident bytes; undefined: not on Linux, or the process is gone. */
export function residentBytes(pid: number): number | undefined {
  try {
    const [, resident] = readFileSync(`/proc/${pid}/statm`, "utf8").split(" ");
    return Number(resident) * pageBytes;
  } catch {
    return undefined;
  }
}

/** How much memory a process has in use, where the system tells. */
import { heapStats } from "bun:jsc";
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

/** Of this process, what is alive: not what it keeps from what it held before. */
export function heldBytes(): number {
  Bun.gc(true);
  const { heapSize, extraMemorySize } = heapStats();
  return heapSize + extraMemorySize;
}

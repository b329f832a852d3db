/** How much memory this process may hold for its peers: a share of its cgroup's limit, or of the machine's memory. */
import { totalmem } from "node:os";
import { posix } from "node:path";
import { above, cgroupRoot, type Read, readText } from "./cpu-limit.ts";

/** The rest is the module's and the runtime's own. */
const share = 1 / 4;
/** Less would cut callers of a few large messages; more is held by no honest ones. */
const leastBytes = 67_108_864;
const mostBytes = 1_073_741_824;

/** @param processes how many share the limit */
export function memoryShare(processes = 1, read: Read = readText, total: number = totalmem()): number {
  const limit = Math.min(total, ...memoryLimits(read));
  return Math.round(Math.min(Math.max((limit * share) / processes, leastBytes), mostBytes));
}

/** Of the process's cgroup and those above it, in bytes. */
export function memoryLimits(read: Read = readText): number[] {
  return (read("/proc/self/cgroup") ?? "0::/")
    .split("\n")
    .flatMap((line) => filesOf(line))
    .map((file) => Number(read(file)?.trim() || "max"))
    .filter((bytes) => bytes > 0);
}

/** cgroups(7): `hierarchy:controllers:path`, hierarchy 0 without controllers in version 2. */
function filesOf(line: string): string[] {
  const [, controllers = "", path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
  if (path === undefined) return [];
  if (controllers === "") return above(path).map((at) => posix.join(cgroupRoot, at, "memory.max"));
  if (!controllers.split(",").includes("memory")) return [];
  return above(path).map((at) => posix.join(cgroupRoot, "memory", at, "memory.limit_in_bytes"));
}

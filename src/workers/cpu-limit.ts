/** How many cores this process may use: its cgroup's limit, within what the machine has. */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { posix } from "node:path";

/** A file's text; undefined: it cannot be read. */
export type Read = (path: string) => string | undefined;

export const cgroupRoot = "/sys/fs/cgroup";

/** At least 1; a fraction counts as a whole core. */
export function usableCores(read: Read = readText, available: number = availableParallelism()): number {
  return Math.max(1, Math.min(Math.ceil(cpuLimit(read) ?? available), available));
}

/** Cores that the process's cgroup, or one above it, allows. @returns undefined without a limit */
export function cpuLimit(read: Read = readText): number | undefined {
  const limits = (read("/proc/self/cgroup") ?? "0::/")
    .split("\n")
    .flatMap((line) => limitsOf(line, read))
    .filter((limit) => limit > 0);
  return limits.length === 0 ? undefined : Math.min(...limits);
}

/** cgroups(7): `hierarchy:controllers:path`, hierarchy 0 without controllers in version 2. */
function limitsOf(line: string, read: Read): number[] {
  const [, controllers = "", path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
  if (path === undefined) return [];
  if (controllers === "") return above(path).map((at) => quota(read(posix.join(cgroupRoot, at, "cpu.max"))));
  if (!controllers.split(",").includes("cpu")) return [];
  return above(path).map((at) => {
    const of = (file: string): string | undefined => read(posix.join(cgroupRoot, "cpu", at, file));
    return ratio(of("cpu.cfs_quota_us"), of("cpu.cfs_period_us"));
  });
}

/** A path and all above it. Within a container it may be the host's, and only the root is there. */
export function above(path: string): string[] {
  const parts = path.split("/").filter((part) => part !== "" && part !== "..");
  return ["/", ...parts.map((_, i) => `/${parts.slice(0, i + 1).join("/")}`)];
}

/** `max 100000` or `150000 100000` */
function quota(text = ""): number {
  const [most, period] = text.trim().split(" ");
  return ratio(most, period);
}

/** 0: no limit. */
function ratio(quota: string | undefined, period: string | undefined): number {
  const cores = Number(quota) / Number(period);
  return Number.isFinite(cores) && cores > 0 ? cores : 0;
}

export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** What the system lets this process have: files, memory, cores, processes. */
import { type Check, type Finding, fail, ok, warn } from "./doctor.ts";

export interface ProcessLimits {
  /** Undefined: none is known. */
  readonly files: number | undefined;
  readonly memoryBytes: number | undefined;
  readonly cores: number | undefined;
  readonly processes: number | undefined;
}

/** Each connection is a file. */
const leastFiles = 1024;
const wantedFiles = 4096;
/** What an idle service holds, and a little. */
const leastMemory = 64 * 1024 ** 2;
const leastCores = 0.1;
/** Threads count: the runtime has about 20. */
const leastProcesses = 64;

export function limitsCheck(limits: () => ProcessLimits): Check {
  return { name: "limits", run: async () => judgeLimits(limits()) };
}

export function judgeLimits({ files, memoryBytes, cores, processes }: ProcessLimits): Finding[] {
  return [filesFinding(files), memoryFinding(memoryBytes), coresFinding(cores), processesFinding(processes)];
}

function filesFinding(files: number | undefined): Finding {
  const what = `open files: ${files ?? "no limit"}`;
  const todo = `raise it: ulimit -n 65536, or LimitNOFILE of what starts the container`;
  if (files === undefined || files >= wantedFiles) return ok(what);
  return files < leastFiles ? fail(what, todo) : warn(what, todo);
}

function memoryFinding(bytes: number | undefined): Finding {
  if (bytes === undefined) return ok("memory: no limit of its own");
  const what = `memory: ${Math.round(bytes / 1024 ** 2)} MiB`;
  if (bytes >= leastMemory) return ok(what);
  const yaml = "resources:\n  requests: { memory: 128Mi }\n  limits: { memory: 128Mi }\n";
  return warn(what, "give the container 128 MiB or more", yaml);
}

function coresFinding(cores: number | undefined): Finding {
  if (cores === undefined) return ok("cpu: no limit of its own");
  const what = `cpu: ${Number(cores.toFixed(3))} cores`;
  if (cores >= leastCores) return ok(what);
  return warn(what, "give the container 100m or more, or take the limit away and keep the request");
}

function processesFinding(processes: number | undefined): Finding {
  const what = `processes and threads: ${processes ?? "no limit"}`;
  if (processes === undefined || processes >= leastProcesses) return ok(what);
  return warn(what, `allow ${leastProcesses} or more: podPidsLimit of the kubelet, or --pids-limit`);
}

/** @param text of /proc/self/limits @returns the soft one; undefined: none */
export function openFiles(text: string): number | undefined {
  const soft = /^Max open files\s+(\S+)/m.exec(text)?.[1];
  return soft === undefined || soft === "unlimited" ? undefined : Number(soft);
}

/** Which process wrote a file, said so that a later process of the same number is not taken for it. */
import { readFileSync, readlinkSync } from "node:fs";

export interface ProcessMark {
  readonly pid: number;
  /** When it started, in the kernel's ticks since boot. Absent where there is no /proc. */
  readonly started?: string;
  /** In which `pid` is a number: a container's processes have their own. Absent where there is no /proc. */
  readonly namespace?: string;
}

export function ownProcess(): ProcessMark {
  const { started } = statOf(process.pid) ?? {};
  const namespace = ownNamespace();
  return {
    pid: process.pid,
    ...(started === undefined ? {} : { started }),
    ...(namespace === undefined ? {} : { namespace }),
  };
}

/** True only when that is certain; one that cannot be seen from here may well run. */
export function hasEnded({ pid, started, namespace }: ProcessMark): boolean {
  if (namespace !== ownNamespace()) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: another user's, so it is there.
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return true;
  }
  const now = started === undefined ? undefined : statOf(pid);
  return now !== undefined && (now.started !== started || now.dead);
}

/** proc(5), /proc/<pid>/stat: the third field is the state, the 22nd the start; the second, in brackets, may hold anything. */
function statOf(pid: number): { started: string; dead: boolean } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state, ...rest] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const started = rest[18];
    return started === undefined ? undefined : { started, dead: state === "Z" || state === "X" };
  } catch {
    return undefined;
  }
}

function ownNamespace(): string | undefined {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return undefined;
  }
}

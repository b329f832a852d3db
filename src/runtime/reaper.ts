/** As pid 1 a process inherits the orphans of others: those that ended are reaped, as an init does. */
import { readdirSync, readFileSync } from "node:fs";

/** How long a dead child must lie there; Bun reaps its own at once, and needs their exit codes. */
const graceMs = 1000;
/** waitpid's WNOHANG. */
const dontWait = 1;

/** On Linux, for the rest of the process's life. musl answers to glibc's file name, too. */
export async function reapOrphans(): Promise<void> {
  const { dlopen } = await import("bun:ffi");
  const { symbols } = dlopen("libc.so.6", { waitpid: { args: ["i32", "ptr", "i32"], returns: "i32" } });
  let seen = new Set<number>();
  let sweeping = false;

  const sweep = (): void => {
    const dead = deadChildren();
    for (const pid of dead) if (seen.has(pid)) symbols.waitpid(pid, null, dontWait);
    seen = new Set(dead.filter((pid) => !seen.has(pid)));
    sweeping = false;
    if (seen.size > 0) soon();
  };
  const soon = (): void => {
    if (sweeping) return;
    sweeping = true;
    setTimeout(sweep, graceMs).unref();
  };
  process.on("SIGCHLD", soon);
  soon();
}

function deadChildren(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && isDeadChild(name))
    .map(Number);
}

/** proc(5): `pid (name) state ppid …`, where the name may hold anything. */
function isDeadChild(pid: string): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" && parent === String(process.pid);
  } catch {
    return false; // it is gone
  }
}

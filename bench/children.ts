/** Child processes, all killed when the bench ends, and what /proc says of them. */
import { existsSync, readFileSync } from "node:fs";

export interface Children extends AsyncDisposable {
  /** Starts a server; its output is kept to be shown if it dies. */
  serve(command: readonly string[], extra?: Readonly<Record<string, string>>): Child;
  /** Runs to the end, killed after `timeoutMs`, and returns stdout. */
  run(
    command: readonly string[],
    timeoutMs: number,
    extra?: Readonly<Record<string, string>>,
  ): Promise<string>;
}

export interface Child extends AsyncDisposable {
  readonly pid: number;
  /** Rejects when the process ends by itself, with what it wrote. */
  readonly died: Promise<never>;
  /** CPU time used so far, of all its threads and of the processes that it started. */
  cpuMicros(): number;
  /** Of it alone. */
  rssBytes(): number;
}

/** The kernel counts CPU time in ticks of 1/100 s (USER_HZ) for every program on Linux. */
const tickMicros = 10_000;
/** How much of a server's output is kept. */
const outputLimit = 4_000;

/** What must not reach the servers: it would make them others than the ones described. */
const foreign = /^(MICRO_|STATIC_SELECTOR_|KUBERNETES_|BUN_|GOMAXPROCS$|GOGC$|GOMEMLIMIT$|NODE_OPTIONS$)/;

export function children(): Children {
  const alive = new Set<Bun.Subprocess>();
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
  const kill = async (child: Bun.Subprocess): Promise<void> => {
    const started = child.exitCode === null ? childrenOf(child.pid) : [];
    child.kill("SIGKILL");
    await child.exited;
    for (const pid of started) killPid(pid);
    alive.delete(child);
  };
  return {
    serve(command, extra = {}) {
      const child = Bun.spawn([...command], {
        env: { ...env, ...extra },
        stdin: "ignore",
        stdout: "ignore",
        stderr: "pipe",
      });
      alive.add(child);
      let stopped = false;
      const died = collect(child.stderr).then(async (said): Promise<never> => {
        const code = await child.exited;
        if (stopped) return new Promise<never>(() => {});
        throw new Error(`${command.join(" ")}: ended with ${code}\n${said}`);
      });
      died.catch(() => {}); // raced against each wait; the rejection stays readable there
      return {
        pid: child.pid,
        died,
        cpuMicros: () => cpuMicros(child.pid),
        rssBytes: () => rssBytes(child.pid),
        [Symbol.asyncDispose]: () => {
          stopped = true;
          return kill(child);
        },
      };
    },
    async run(command, timeoutMs, extra = {}) {
      const child = Bun.spawn([...command], {
        env: { ...env, ...extra },
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
      });
      alive.add(child);
      const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
      try {
        const [stdout, stderr, code] = await Promise.all([
          new Response(child.stdout).text(),
          new Response(child.stderr).text(),
          child.exited,
        ]);
        if (code !== 0) throw new Error(`${command.join(" ")}: ended with ${code}\n${stderr}`);
        return stdout;
      } finally {
        clearTimeout(timer);
        await kill(child);
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...alive].map(kill));
    },
  };
}

/** Reads to the end, so that the writer never blocks, and keeps the last part. */
async function collect(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let said = "";
  for await (const chunk of stream)
    said = (said + decoder.decode(chunk, { stream: true })).slice(-outputLimit);
  return said;
}

function cpuMicros(pid: number): number {
  const own = ownCpuMicros(pid);
  return childrenOf(pid).reduce((sum, child) => sum + cpuMicros(child), own);
}

function killPid(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {} // it has ended with its parent
}

/** Those that its first thread started: Bun starts processes from no other. */
function childrenOf(pid: number): readonly number[] {
  const path = `/proc/${pid}/task/${pid}/children`;
  const listed = existsSync(path) ? readFileSync(path, "utf8").trim() : "";
  return listed === "" ? [] : listed.split(" ").map(Number);
}

/** Fields 14 and 15 of /proc/PID/stat, counted after the name, which may hold anything. */
function ownCpuMicros(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * tickMicros;
}

function rssBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

/** Processes of Pods: ours and Go peers, where a service account's folder is, and the lines of JSON that they print. */
import type { TestPod } from "./cluster-objects.ts";
import type { ControlPlane } from "./control-plane.ts";
import type { Target } from "./harness.ts";
import type { AsPodOptions, ServiceAccount } from "./pod-identity.ts";

export interface Place {
  readonly cluster: ControlPlane;
  readonly account: ServiceAccount;
  /** Its name is HOSTNAME. */
  readonly pod: Pick<TestPod, "name">;
}

/** The same command, as a container of the Pod runs it. */
export function inPod(target: Target, { cluster, account, pod }: Place, options: AsPodOptions = {}): Target {
  const prefix = cluster.asPod(account, { ...options, env: { HOSTNAME: pod.name, ...options.env } });
  return { name: target.name, command: [...prefix, ...target.command] };
}

export interface Lines extends AsyncDisposable {
  readonly pid: number;
  // biome-ignore lint/suspicious/noExplicitAny: whatever it prints
  readonly all: readonly any[];
  /**
   * The first line from number `from` on that matches, also one that came before.
   * @throws Error with what there was, when none comes in time
   */
  // biome-ignore lint/suspicious/noExplicitAny: whatever it prints
  until(matches: (line: any) => boolean, options?: { from?: number; withinMs?: number }): Promise<any>;
  /** Everything written to stderr so far. */
  log(): string;
  signal(name: NodeJS.Signals): void;
  readonly exited: Promise<number>;
}

/** Starts a command and reads its stdout, line by line: JSON where it is, else text. */
export function lines(command: readonly string[]): Lines {
  const child = Bun.spawn([...command], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const all: unknown[] = [];
  let said = "";
  let looks: (() => void)[] = [];
  const tell = (): void => {
    const told = looks;
    looks = [];
    for (const look of told) look();
  };
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of child.stdout) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = parts.pop() ?? "";
      all.push(...parts.map(parse));
      tell();
    }
  };
  const listen = async (): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of child.stderr) said += decoder.decode(chunk, { stream: true });
  };
  let ended = false;
  void Promise.all([read(), listen()]).then(() => {
    ended = true;
    tell();
  });
  return {
    pid: child.pid,
    all,
    async until(matches, { from = 0, withinMs = 20_000 } = {}) {
      const end = performance.now() + withinMs;
      for (;;) {
        const found = all.slice(from).find(matches);
        if (found !== undefined) return found;
        const left = end - performance.now();
        if (ended || left <= 0) {
          const why = ended ? "it ended" : `none in ${withinMs} ms`;
          const last = all.slice(-maxShown).map((line) => JSON.stringify(line));
          throw new Error(`no such line, ${why}: ${matches}\n${last.join("\n")}\n${said.slice(-4000)}`);
        }
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, left);
          looks.push(() => {
            clearTimeout(timer);
            resolve();
          });
        });
      }
    },
    log: () => said,
    signal: (name) => child.kill(name),
    exited: child.exited,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

/** Lines of a failure's message. */
const maxShown = 20;

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
}

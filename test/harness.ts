/** Runs microrun as people do, from source and as the compiled binary, and looks at what comes of it. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dir, "..");

export interface Target {
  readonly name: string;
  readonly command: readonly string[];
}

const binary = process.env.MICRORUN_BIN ?? join(root, "dist/microrun");
const source: Target = { name: "source", command: [process.execPath, join(root, "src/main.ts")] };
const compiled: Target = { name: "binary", command: [binary] };

/** Source, and the binary where it was built; under CI it must have been. */
export const targets: readonly Target[] =
  existsSync(binary) || process.env.CI ? [source, compiled] : [source];
if (targets.length === 1) console.warn(`no ${binary}: testing from source only (npm run build makes it)`);

export const greeter: string = join(root, "examples/greeter/greeter.ts");

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where services of these tests find each other, and none of this user's; the next test process removes what one left. */
const runtimeFolder = join(tmpdir(), `microrun-runtime-${process.pid}`);
mkdirSync(runtimeFolder, { recursive: true, mode: 0o700 });
for (const name of readdirSync(tmpdir())) {
  const pid = Number(/^microrun-runtime-(\d+)$/.exec(name)?.[1] ?? process.pid);
  if (!isRunning(pid)) rmSync(join(tmpdir(), name), { recursive: true, force: true });
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** All of the suites on another transport: `MICRORUN_TEST_TRANSPORT=grpc-js bun test test/life.test.ts`. */
const transport = process.env.MICRORUN_TEST_TRANSPORT;

/** What the environment of the tests must not bring along. */
function cleanEnv(extra: RunOptions["env"] = {}): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(MICRO_|STATIC_SELECTOR_|KUBERNETES_|NO_COLOR|FORCE_COLOR)/.test(name),
  );
  return {
    ...(Object.fromEntries(kept) as Record<string, string>),
    XDG_RUNTIME_DIR: runtimeFolder,
    ...(transport === undefined ? {} : { MICRO_TRANSPORT: transport }),
    ...extra,
  };
}

/** Longest time that a started service may need to say that it listens. */
const startTimeoutMs = 20_000;

/** Longest time that the end of the output of an ended process may take. */
const outputGraceMs = 2000;

/** Runs to the end. */
export async function microrun(
  target: Target,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Outcome> {
  const child = Bun.spawn([...target.command, ...args], {
    cwd: options.cwd ?? root,
    env: cleanEnv(options.env),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: 60_000,
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}

export interface Running extends AsyncDisposable {
  readonly pid: number;
  /** `127.0.0.1:port` of the line `Server [NAME] Listening on …`. */
  address(server?: "grpc" | "http" | "health"): string;
  /** Everything written to stderr so far. */
  log(): string;
  stdout(): string;
  /** Resolves when the log matches. */
  logged(pattern: RegExp): Promise<void>;
  signal(name: NodeJS.Signals): void;
  /** Its exit code, when what it wrote has been read. */
  readonly exited: Promise<number>;
}

/** Starts a service on a free loopback port, unless `args` name one or it shall choose itself, and waits until it listens. */
export async function serve(
  target: Target,
  args: readonly string[],
  options: RunOptions & { until?: RegExp; ownAddress?: boolean } = {},
): Promise<Running> {
  const chosen = options.ownAddress === false || args.some((arg) => /^--server[_-]address/.test(arg));
  const own = chosen ? [] : ["--server_address=127.0.0.1:0"];
  const child = Bun.spawn([...target.command, ...own, ...args], {
    cwd: options.cwd ?? root,
    env: cleanEnv({ NO_COLOR: "1", ...options.env }),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const output = { stdout: "", stderr: "" };
  const waiting = new Set<() => void>();
  const collect = async (name: keyof typeof output): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of child[name]) {
      output[name] += decoder.decode(chunk, { stream: true });
      for (const look of waiting) look();
    }
  };
  const collected = Promise.all([collect("stdout"), collect("stderr")]);
  const exited = child.exited.then(async (code) => {
    // a child of its own may have its pipes, and outlive it
    await Promise.race([collected, Bun.sleep(outputGraceMs)]);
    return code;
  });

  const running: Running = {
    pid: child.pid,
    address(server = "grpc") {
      const found =
        output.stderr.match(new RegExp(`Server \\[${server}\\] Listening on (\\S+?)["\\s]`))?.[1] ?? "";
      return found.replace(/^(\[::\]|0\.0\.0\.0)/, "127.0.0.1");
    },
    log: () => output.stderr,
    stdout: () => output.stdout,
    logged: (pattern) =>
      new Promise((resolve, reject) => {
        const fail = (why: string): void => {
          waiting.delete(look);
          reject(new Error(`${why} before ${pattern}:\n${output.stderr}${output.stdout}`));
        };
        const timer = setTimeout(() => fail("timed out"), startTimeoutMs);
        const look = (): void => {
          if (!pattern.test(output.stderr + output.stdout)) return;
          waiting.delete(look);
          clearTimeout(timer);
          resolve();
        };
        waiting.add(look);
        look();
        void collected.then(() => waiting.has(look) && fail(`exited with ${child.exitCode}`));
      }),
    signal: (name) => child.kill(name),
    exited,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
  try {
    await running.logged(options.until ?? /is ready/);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
  return running;
}

/** A folder of its own with these files, removed when disposed. */
export function folder(files: Readonly<Record<string, string>> = {}): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "microrun-test-"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

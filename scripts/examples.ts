/** Runs what the examples' READMEs show and compares: all of them, or those that are named. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Glob } from "bun";
import { readSteps, runSession, type SessionOptions, type Step, sessionEnv } from "./readme-session.ts";

const root = join(import.meta.dir, "..");
const folder = join(root, "examples");

/** How long a port may be another program's. */
const maxPortMs = 30_000;
const lookMs = 100;
/** A busy machine may be slower than an example's own limits. */
export const patience: Readonly<Record<string, string>> = {
  MICRO_HTTP_TIMEOUT: "20s",
  MICRO_GRPC_TIMEOUT: "20s",
  MICRO_CLIENT_REQUEST_TIMEOUT: "20s",
};

export const examples: readonly string[] = [...new Glob("*/README.md").scanSync(folder)]
  .map((path) => path.slice(0, path.indexOf("/")))
  .sort();

export interface ExampleOptions extends Pick<SessionOptions, "done"> {
  /** The words that `microrun` stands for. */
  readonly command: readonly string[];
  /** Programs that need not be in PATH, by their name. @default none */
  readonly programs?: Readonly<Record<string, string>>;
  /** Programs whose commands are not run. @default none */
  readonly leaveOut?: readonly string[];
}

/** Programs that are nowhere by themselves, and whether an example goes on without what they do. */
const foreign: Readonly<Record<string, boolean>> = { go: false, grpcurl: true };

/** @throws Error that says what was not as shown */
export async function runExample(name: string, options: ExampleOptions): Promise<void> {
  const { command, programs = {}, leaveOut = [], ...rest } = options;
  const scratch = mkdtempSync(join(tmpdir(), "microrun-example-"));
  try {
    const words = command.map((word) => `'${word}'`).join(" ");
    const bin = join(scratch, "bin");
    mkdirSync(bin);
    writeFileSync(join(bin, "microrun"), `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 });
    for (const [program, path] of Object.entries(programs)) symlinkSync(path, join(bin, program));
    // flags of a developer's own may be unknown to an old Go
    const places = { XDG_RUNTIME_DIR: scratch, TMPDIR: scratch, GOFLAGS: "-mod=readonly" };
    const env = sessionEnv(bin, { ...places, ...patience });
    const readme = await Bun.file(join(folder, name, "README.md")).text();
    const all = readSteps(readme.replaceAll("/tmp/", `${scratch}/`));
    const steps = all.filter((step) => !leaveOut.some((program) => names(step, program)));
    for (const port of portsIn(steps)) await isFree(port);
    await runSession(steps, { cwd: join(folder, name), env, ...rest });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Which programs that an example's session names are not there: those that it goes on without, and those that it needs. */
export async function needsOf(
  name: string,
  has: (program: string) => boolean,
): Promise<{ readonly leaveOut: readonly string[]; readonly missing: readonly string[] }> {
  const steps = readSteps(await Bun.file(join(folder, name, "README.md")).text());
  const absent = Object.keys(foreign).filter(
    (program) => !has(program) && steps.some((step) => names(step, program)),
  );
  return {
    leaveOut: absent.filter((program) => foreign[program]),
    missing: absent.filter((program) => !foreign[program]),
  };
}

function names({ command }: Step, program: string): boolean {
  return new RegExp(`(^|[ (])${program} `).test(command);
}

function portsIn(steps: readonly Step[]): readonly number[] {
  const text = steps.flatMap(({ command, shown }) => [command, ...shown]).join("\n");
  return [...new Set([...text.matchAll(/127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port)))];
}

/** Resolves when nothing listens there. @throws Error when another program keeps it */
export async function isFree(port: number): Promise<void> {
  const deadline = Date.now() + maxPortMs;
  for (;;) {
    const taken = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true));
      socket.on("error", () => resolve(false)).on("connect", () => socket.destroy());
    });
    if (!taken) return;
    if (Date.now() > deadline) throw new Error(`port ${port} is in use: stop the program that has it`);
    await Bun.sleep(lookMs);
  }
}

if (import.meta.main) {
  const asked = process.argv.slice(2);
  const unknown = asked.find((name) => !examples.includes(name));
  if (unknown !== undefined) {
    console.error(`error: no example ${unknown}\n  hint: name some of ${examples.join(", ")}`);
    process.exit(2);
  }
  const binary = process.env.MICRORUN_BIN;
  const command = binary === undefined ? [process.execPath, join(root, "src/main.ts")] : [binary];
  const has = (program: string): boolean => Bun.which(program) !== null;
  for (const name of asked.length === 0 ? examples : asked) {
    const { leaveOut, missing } = await needsOf(name, has);
    const without = [...missing, ...leaveOut].join(", ");
    console.log(`\n── ${name}${without === "" ? "" : `: there is no ${without}`}`);
    if (missing.length > 0) continue;
    const done = ({ command }: Step): void => console.log(`ok: ${command}`);
    await runExample(name, { command, leaveOut, done }).catch((error: unknown) => {
      // what went wrong first, not what its end led to
      console.error(`${error instanceof SuppressedError ? error.suppressed : error}`);
      process.exitCode = 1;
    });
  }
}

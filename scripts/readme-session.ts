/** The sessions that a README shows (```console): their commands are run, and what they write is compared with what is shown. */
import { join } from "node:path";

/** A command, and the lines that are shown below it: `…` alone stands for any lines, within a line for any text. */
export interface Step {
  readonly command: string;
  readonly shown: readonly string[];
  /** Its ` &` is left out of `command`: it runs until the session ends. */
  readonly background: boolean;
}

export interface SessionOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Told of each step that went well. */
  readonly done?: (step: Step) => void;
}

/** How long what runs in the background may take to write what is shown. */
const maxShownMs = 30_000;
/** How long a command may take: some build. */
const maxCommandMs = 300_000;
/** How long what runs in the background may take to end. */
const maxStopMs = 20_000;

export function readSteps(readme: string): readonly Step[] {
  const blocks = [...readme.matchAll(/^```console\n([\s\S]*?)^```$/gm)].map(([, text = ""]) => text);
  return blocks.flatMap((text) => {
    const [before = "", ...commands] = `\n${text}`.split("\n$ ");
    if (before.trim() !== "") throw new Error(`a session begins with a command: ${before.trim()}`);
    return commands.map(stepOf);
  });
}

/** A command goes on on the next line after a backslash, and as long as a quote is open. */
function stepOf(text: string): Step {
  const lines = text.split("\n");
  let count = 1;
  while (count < lines.length && isOpen(lines.slice(0, count).join("\n"))) count++;
  const command = lines.slice(0, count).join("\n");
  const shown = lines.slice(count).filter((line, i, all) => line !== "" || i < all.length - 1);
  const background = command.endsWith(" &");
  return { command: background ? command.slice(0, -2) : command, shown, background };
}

function isOpen(command: string): boolean {
  return command.endsWith("\\") || (command.match(/'/g)?.length ?? 0) % 2 === 1;
}

/** Whether these are all the lines that are shown. */
export function isAsShown(shown: readonly string[], written: readonly string[]): boolean {
  const [line, ...rest] = shown;
  if (line === undefined) return written.length === 0;
  if (line === "…") return written.some((_, i) => isAsShown(rest, written.slice(i))) || isAsShown(rest, []);
  return written.length > 0 && patternOf(line).test(written[0]!) && isAsShown(rest, written.slice(1));
}

/** A running service writes on: that the lines are there, in this order, is enough. */
export function hasShown(shown: readonly string[], written: readonly string[]): boolean {
  let at = 0;
  for (const pattern of shown.filter((line) => line !== "…").map(patternOf)) {
    const found = written.findIndex((line, i) => i >= at && pattern.test(line));
    if (found < 0) return false;
    at = found + 1;
  }
  return true;
}

function patternOf(line: string): RegExp {
  const parts = line.split("…").map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`);
}

/** @throws Error that names the command, what was shown and what came instead */
export async function runSession(steps: readonly Step[], options: SessionOptions): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const behind: Behind[] = [];
  for (const step of steps) {
    if (step.background) behind.push(stack.use(await runBehind(step, options)));
    else await runThrough(step, options, behind);
    options.done?.(step);
  }
}

/** What runs until the session ends. */
interface Behind extends AsyncDisposable {
  readonly step: Step;
  written(): readonly string[];
}

async function runThrough(step: Step, options: SessionOptions, behind: readonly Behind[]): Promise<void> {
  const { child, lines } = start(step.command, options, maxCommandMs);
  const code = await child.exited;
  const written = await lines.all;
  if (code === 0 && isAsShown(step.shown, written)) return;
  const meanwhile = behind.map((one) => `  meanwhile ${one.step.command}:\n${indented(one.written())}`);
  throw new Error([wrong(step, written, `exit code ${code}`).message, ...meanwhile].join(""));
}

async function runBehind(step: Step, options: SessionOptions): Promise<Behind> {
  const { child, lines } = start(behind(step.command), options);
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), maxStopMs);
    const code = await child.exited;
    clearTimeout(timer);
    if (code !== 0) throw wrong(step, await lines.all, `exit code ${code} when it was stopped`);
  };
  const late = Promise.withResolvers<string>();
  const timer = setTimeout(() => late.resolve(`not within ${maxShownMs} ms`), maxShownMs);
  const shown = lines.until((written) => hasShown(step.shown, written));
  const ended = child.exited.then((code) => `exit code ${code}`);
  const why = await Promise.race([shown, late.promise, ended]);
  clearTimeout(timer);
  if (why === undefined) return { step, written: lines.now, [Symbol.asyncDispose]: stop };
  child.kill("SIGKILL");
  throw wrong(step, await lines.all, why);
}

/** The shell makes room for it, so that it is the command that is told to stop. */
function behind(command: string): string {
  const [, variables = "", rest = ""] = /^((?:\w+=\S* )*)([\s\S]*)$/.exec(command) ?? [];
  return `${variables}exec ${rest}`;
}

function start(command: string, { cwd, env }: SessionOptions, timeout?: number) {
  const child = Bun.spawn(["/bin/sh", "-c", `{ ${command}\n} 2>&1`], {
    ...{ cwd, env, stdin: "ignore", stdout: "pipe", stderr: "inherit" },
    ...(timeout === undefined ? {} : { timeout }),
  });
  return { child, lines: linesOf(child.stdout as ReadableStream<Uint8Array>) };
}

function linesOf(stream: ReadableStream<Uint8Array>) {
  const decoder = new TextDecoder();
  let text = "";
  let look = (): void => {};
  const lines = (): string[] => text.split("\n").slice(0, text.endsWith("\n") ? -1 : undefined);
  const read = async (): Promise<readonly string[]> => {
    for await (const chunk of stream) {
      text += decoder.decode(chunk, { stream: true });
      look();
    }
    return text === "" ? [] : lines();
  };
  return {
    now: lines,
    all: read(),
    until: (holds: (written: readonly string[]) => boolean): Promise<undefined> =>
      new Promise((resolve) => {
        look = () => holds(lines()) && resolve(undefined);
        look();
      }),
  };
}

function wrong({ command, shown }: Step, written: readonly string[], why: string): Error {
  return new Error(`$ ${command}\n  shown:\n${indented(shown)}  written (${why}):\n${indented(written)}`);
}

function indented(lines: readonly string[]): string {
  return lines.map((line) => `    ${line}\n`).join("");
}

/** The environment of a session: nobody's settings, and these programs first. */
export function sessionEnv(
  programs: string,
  extra: Readonly<Record<string, string>>,
): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(MICRO_|STATIC_SELECTOR_|KUBERNETES_|NO_COLOR|FORCE_COLOR)/.test(name),
  ) as [string, string][];
  return {
    ...Object.fromEntries(kept),
    MICRO_LOG_FORMAT: "text",
    NO_COLOR: "1",
    PATH: [programs, join(import.meta.dir, "../node_modules/.bin"), process.env.PATH].join(":"),
    ...extra,
  };
}

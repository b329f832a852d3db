/** From the words of a command line to an exit code. */
import { usageError } from "../errors.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { readArgv } from "./argv.ts";
import { commandNamed, commands } from "./commands.ts";
import { exitCode, failureLine, failureText } from "./failure.ts";
import { flagsOf } from "./flags.ts";
import { wantsColor } from "./terminal.ts";
import type { Environment } from "./values.ts";

export interface Program {
  /** Without the runtime's and the program's own names. */
  readonly argv: readonly string[];
  readonly env: Environment;
  readonly host: () => Promise<Runtime>;
}

/** Never rejects. @returns the exit code */
export async function main(program: Program): Promise<number> {
  const { argv, env } = program;
  try {
    return await start(program);
  } catch (error) {
    const asked = commandNamed(argv[0]) ?? commands[0]!;
    const logs = Object.hasOwn(flagsOf(asked.groups), "log_format");
    const telling = { debug: said(program, "log_level") === "debug", color: wantsColor(env, process.stderr) };
    const asJson = logs && said(program, "log_format") === "json";
    const text = asJson ? failureLine(error) : failureText(error, telling);
    process.stderr.write(`${text}\n`);
    return exitCode(error) === 2 ? (asked.askedWrongly ?? 2) : 1;
  }
}

/** What a flag or its variable says, though the line as a whole may not be readable. */
function said({ argv, env }: Program, name: string): string | undefined {
  const flag = new RegExp(`^--?${name.replace("_", "[_-]")}[= ](\\w+)`);
  const told = argv.map((token, i) => flag.exec(`${token} ${argv[i + 1]}`)?.[1]);
  return told.findLast((value) => value !== undefined) ?? env[`MICRO_${name.toUpperCase()}`];
}

async function start({ argv, env, host }: Program): Promise<number> {
  if (argv[0] === "--get-yargs-completions") {
    const { printCompletions } = await import("./help.ts");
    return printCompletions(argv);
  }
  const { command, wants, ...line } = readArgv(argv);
  if (wants === "version") {
    process.stdout.write(`${(await import("./self.ts")).versionLine()}\n`);
    return 0;
  }
  const help = wants === "help";
  const moduleMissing = command.name === "run" && line.words.length === 0;
  if (help || moduleMissing) {
    const { helpText } = await import("./help.ts");
    const text = await helpText(
      argv.some((word) => commandNamed(word) === command) ? command.name : undefined,
    );
    (help ? process.stdout : process.stderr).write(`${text}\n`);
    return help ? 0 : 2;
  }
  const extra = line.words[command.most];
  if (extra !== undefined) {
    throw usageError(
      `microrun ${command.name}: unexpected ${extra}`,
      command.name === "run"
        ? "put the handler's own words behind --"
        : `see microrun ${command.name} --help`,
    );
  }
  const { start } = await command.load();
  return start({ ...line, env, host });
}

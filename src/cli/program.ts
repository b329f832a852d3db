/** From the words of a command line to an exit code. */
import { usageError } from "../errors.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { readArgv } from "./argv.ts";
import type { Built } from "./command/command.ts";
import { wantsColor } from "./command/terminal.ts";
import { commandNamed, commands, commandsOf } from "./commands.ts";
import { exitCode, failureLine, failureText } from "./failure.ts";
import { flagsOf } from "./flags/flags.ts";
import type { Environment } from "./flags/values.ts";

export interface Program {
  /** Without the runtime's and the program's own names. */
  readonly argv: readonly string[];
  readonly env: Environment;
  readonly host: () => Promise<Runtime>;
  /** The service that this executable is. @default none: it runs any */
  readonly built?: Built;
}

/** Never rejects. @returns the exit code */
export async function main(program: Program): Promise<number> {
  const { argv, env, built } = program;
  try {
    return await start(program);
  } catch (error) {
    const asked = commandNamed(argv[0], commandsOf(built)) ?? commands[0]!;
    const logs = Object.hasOwn(flagsOf(asked.groups), "log_format");
    const telling = { debug: said(program, "log_level") === "debug", color: wantsColor(env, process.stderr) };
    const asJson = logs && said(program, "log_format") === "json";
    const text = asJson ? failureLine(error) : failureText(error, telling);
    process.stderr.write(`${built === undefined ? text : (await ownWordsOf(built))(text)}\n`);
    return exitCode(error) === 2 ? (asked.askedWrongly ?? 2) : 1;
  }
}

async function ownWordsOf(built: Built): Promise<(text: string) => string> {
  const { ownWords } = await import("./command/own-words.ts");
  const { selfCommand } = await import("./command/self.ts");
  const own = { self: selfCommand(), commands: commandsOf(built).map(({ name }) => name) };
  return (text) => ownWords(text, built, own);
}

/** What a flag or its variable says, though the line as a whole may not be readable. */
function said({ argv, env }: Program, name: string): string | undefined {
  const flag = new RegExp(`^--?${name.replace("_", "[_-]")}[= ](\\w+)`);
  const told = argv.map((token, i) => flag.exec(`${token} ${argv[i + 1]}`)?.[1]);
  return told.findLast((value) => value !== undefined) ?? env[`MICRO_${name.toUpperCase()}`];
}

async function start({ argv, env, host, built }: Program): Promise<number> {
  if (argv[0] === "--get-yargs-completions") {
    const { printCompletions } = await import("./help.ts");
    return printCompletions(argv, env, built);
  }
  const { command, wants, ...line } = readArgv(argv, built);
  if (wants === "version") {
    process.stdout.write(`${(await import("./command/self.ts")).versionLine()}\n`);
    return 0;
  }
  const help = wants === "help";
  const moduleMissing = command.name === "run" && line.words.length === 0 && built === undefined;
  if (help || moduleMissing) {
    const { helpText } = await import("./help.ts");
    const text = await helpText(
      argv.some((word) => commandNamed(word)?.name === command.name) ? command.name : undefined,
      built,
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
  if (built === undefined) return start({ ...line, env, host });
  const words = command.name === "run" ? [built.module] : line.words;
  const { proto } = built;
  const replaced =
    /^(run|config|doctor)$/.test(command.name) &&
    proto.length > 0 &&
    !line.given.has("proto") &&
    !env.MICRO_PROTO;
  const given = replaced ? new Map([...line.given, ["proto", proto] as const]) : line.given;
  return start({ ...line, words, given, env, host, built, own: await ownWordsOf(built) });
}

/** What yargs makes of the tables: help and shell completion. The lines themselves are read in argv.ts, without its weight. */
import yargs, { type Argv, type Options } from "yargs";
import type { Built, Command } from "./command/command.ts";
import { columns } from "./command/terminal.ts";
import { commandNamed, commandsOf } from "./commands.ts";
import { choicesOf, defaultText, type Flag, type FlagGroup, type FlagTable } from "./flags/flags.ts";
import type { Environment } from "./flags/values.ts";
import { knownWords } from "./known-words.ts";

/** @param command absent: of the program */
export function helpText(command?: string, built?: Built): Promise<string> {
  return program(command === undefined ? [] : [command], built).getHelp();
}

/** What the shell's completion function asks for. @returns the exit code */
export async function printCompletions(
  argv: readonly string[],
  env: Environment,
  built?: Built,
): Promise<number> {
  const words = await knownWords(argv.slice(2), env);
  if (words.length > 0) {
    process.stdout.write(words.map((word) => `${word}\n`).join(""));
    return 0;
  }
  await program(withCommand(argv), built).parseAsync();
  return 0;
}

/** yargs knows the flags of a command once it is named: `microrun ./x.ts --sel` means `microrun run ./x.ts --sel`. */
function withCommand([flag = "", self = "", ...words]: readonly string[]): string[] {
  const named = commandNamed(words[0]) !== undefined;
  const first = words.length < 2 && !words[0]?.startsWith("-");
  return [flag, self, ...(named || first ? [] : ["run"]), ...words];
}

function program(argv: readonly string[], built: Built | undefined): Argv {
  const name = built?.name ?? "microrun";
  const parser = yargs([...argv])
    .scriptName(name)
    .usage(
      built === undefined
        ? "microrun [run] <module> [flags] [-- words for the module]\n\nServes a TypeScript module as a microservice."
        : `${name} [run] [flags] [-- words for the service]\n\nServes ${name}, which was built by microrun.`,
    )
    .parserConfiguration({ "camel-case-expansion": false, "dot-notation": false })
    .detectLocale(false)
    .exitProcess(false)
    .fail(false)
    .version(false)
    .help(false)
    .completion("completion", false)
    .wrap(columns());
  for (const [index, command] of commandsOf(built).entries())
    addCommand(parser, command, { first: index === 0, as: name, built });
  return parser
    .option("help", { type: "boolean", description: "Say this; after a command, its own flags" })
    .option("version", { type: "boolean", description: "Say the version" })
    .epilogue(
      "Each flag may be a variable: --server_address is MICRO_SERVER_ADDRESS. All of them: docs/flags.md",
    );
}

function addCommand(
  parser: Argv,
  { name, aliases = [], words, about, groups, examples }: Command,
  { first, as, built }: { first: boolean; as: string; built: Built | undefined },
): void {
  const spec = `${name} ${words}`.trim();
  parser.command([spec, ...aliases, ...(first ? ["$0"] : [])], about, (own) => {
    for (const { title, flags } of groups)
      addGroup(own, { title, flags: built === undefined ? flags : withoutSource(flags) });
    own.example(examples.map(([line, what]) => [line.replaceAll("microrun ", `${as} `), what]));
  });
}

function withoutSource(flags: FlagTable): FlagTable {
  return Object.fromEntries(Object.entries(flags).filter(([, { fromSource }]) => fromSource !== true));
}

function addGroup(parser: Argv, { title, flags }: FlagGroup): void {
  const options = Object.entries(flags).map(([name, flag]) => [name, optionOf(flag)]);
  parser.options(Object.fromEntries(options)).group(Object.keys(flags), title);
}

function optionOf(flag: Flag): Options {
  const choices = choicesOf(flag);
  const fallback = defaultText(flag);
  return {
    description: flag.about,
    ...(flag.short === undefined ? {} : { alias: flag.short }),
    ...(flag.type === "boolean" ? { type: "boolean" } : { nargs: 1 }),
    ...(choices.length > 0 ? { choices } : {}),
    ...(fallback === "" ? {} : { defaultDescription: fallback }),
  };
}

/** The words of a command line in order: which command, its words, its flags, and what is the handler's. */
import { existsSync } from "node:fs";
import { didYouMean, type MicrorunError, nearest, usageError } from "../errors.ts";
import type { Built, Command } from "./command/command.ts";
import { commandNamed, commands, commandsOf } from "./commands.ts";
import { type Flag, type FlagTable, flagsOf } from "./flags/flags.ts";
import { foreignFlag } from "./flags/foreign-flags.ts";
import type { Given } from "./flags/values.ts";

export interface CommandLine {
  readonly command: Command;
  /** What is no flag, the command's name left out. */
  readonly words: readonly string[];
  readonly given: Given;
  /** What followed `--`. */
  readonly rest: readonly string[];
  /** Asked for beside everything else. */
  readonly wants: "help" | "version" | undefined;
}

/** `--server_address`, `--server-address` and Go's `-server_address` are alike. @throws MicrorunError `invalid_argument` */
export function readArgv(argv: readonly string[], built?: Built): CommandLine {
  const all = commandsOf(built);
  const end = argv.indexOf("--");
  const own = end < 0 ? argv : argv.slice(0, end);
  const words: string[] = [];
  const given = new Map<string, string[]>();
  let command: Command | undefined;
  let wants: CommandLine["wants"];
  const say = (name: string, text: string) => given.set(name, [...(given.get(name) ?? []), text]);

  for (let i = 0; i < own.length; i++) {
    const token = own[i]!;
    const [, dashes, written, text] = /^(--?)([^=-][^=]*)(?:=(.*))?$/s.exec(token) ?? [];
    if (written === undefined) {
      const first = words.length === 0 && command === undefined;
      const named = first ? commandNamed(token, all) : undefined;
      if (named === undefined) words.push(token);
      else command = named;
      continue;
    }
    const name = longName(written, command).replaceAll("-", "_");
    if (/^(help|h|version|v)$/.test(name)) {
      wants = name.startsWith("h") ? "help" : "version";
      continue;
    }
    const positive = name.replace(/^no_/, "");
    const flag = known(name, command);
    if (flag === undefined && known(positive, command)?.type === "boolean" && text === undefined)
      say(positive, "false");
    else if (flag === undefined) throw unknownFlag(`${dashes}${name}`, command);
    else if (flag.type === "boolean") say(name, text ?? "true");
    else say(name, filled(name, flag, text ?? following(own[++i])));
  }

  if (command === undefined && words[0] !== undefined) mustBeModule(words[0], all);
  const asked = command ?? all[0]!;
  const stranger = [...given.keys()].find((name) => !Object.hasOwn(flagsOf(asked.groups), name));
  if (stranger !== undefined) {
    const why = asked.refused?.[stranger];
    throw usageError(
      `--${stranger}: not a flag of microrun ${asked.name}`,
      why === undefined ? `see microrun ${asked.name} --help` : `leave it out: ${why}`,
    );
  }
  return { command: asked, words, given, rest: end < 0 ? [] : argv.slice(end + 1), wants };
}

/** The flags of all commands; first of the one that was named. */
function* tables(command: Command | undefined): Generator<FlagTable> {
  if (command !== undefined) yield flagsOf(command.groups);
  for (const { groups } of commands) yield flagsOf(groups);
}

function known(name: string, command: Command | undefined): Flag | undefined {
  for (const table of tables(command)) if (Object.hasOwn(table, name)) return table[name];
  return undefined;
}

/** What a letter stands for; any other name stands for itself. */
function longName(written: string, command: Command | undefined): string {
  if (written.length > 1) return written;
  for (const table of tables(command)) {
    const found = Object.entries(table).find(([, { short }]) => short === written);
    if (found !== undefined) return found[0];
  }
  return written;
}

/** What stands after a flag is its value, unless it is the next flag. */
function following(token = ""): string {
  return /^--?[a-z]/i.test(token) ? "" : token;
}

function filled(name: string, flag: Flag, text: string): string {
  if (text !== "") return text;
  throw usageError(`--${name}: needs a value`, `write it as --${name}=${flag.example}`);
}

/** A first word may be a module without `run` before it; a slip in a command's name must not be taken for one. */
function mustBeModule(word: string, all: readonly Command[]): void {
  if (/[./\\]/.test(word) || existsSync(word)) return;
  const names = all.map(({ name }) => name);
  const modules =
    all === commands
      ? ", or give a module: microrun ./greeter.ts"
      : ", or put the service's own words behind --";
  throw usageError(
    `unknown command ${word === "" ? '""' : word}${didYouMean(word, names)}`,
    `use one of ${names.join(", ")}${modules}`,
  );
}

function unknownFlag(said: string, command: Command = commands[0]!): MicrorunError {
  const name = said.replace(/^--?/, "");
  const foreign = foreignFlag(name);
  if (foreign !== undefined) return usageError(`${said}: has no meaning in microrun`, foreign);
  const names = Object.keys(flagsOf(command.groups));
  const positive = name.replace(/^no_/, "");
  if (positive !== name && names.includes(positive)) {
    return usageError(`unknown flag ${said}: only a switch can be negated`, `leave --${positive} out`);
  }
  const best = nearest(name, [...names, "help", "version"]);
  const meant = best === undefined ? "" : `: did you mean --${best}?`;
  const own = best === undefined && command.name === "run" ? ", or put the module's own words behind --" : "";
  return usageError(`unknown flag ${said}${meant}`, `see microrun ${command.name} --help${own}`);
}

/** The words of a command line in order: which command, its words, its flags, and what is the handler's. */
import { nearest, usageError } from "../errors.ts";
import { type Command, commands } from "./commands.ts";
import { type Flag, flagsOf } from "./flags.ts";
import { foreignFlag } from "./foreign-flags.ts";
import type { Given } from "./values.ts";

export interface CommandLine {
  readonly command: Command;
  /** What is no flag, the command's name left out. */
  readonly words: readonly string[];
  readonly given: Given;
  /** What followed `--`. */
  readonly rest: readonly string[];
  readonly help: boolean;
}

/** `--server_address`, `--server-address` and Go's `-server_address` are alike. @throws MicrorunError `invalid_argument` */
export function readArgv(argv: readonly string[]): CommandLine {
  const end = argv.indexOf("--");
  const own = end < 0 ? argv : argv.slice(0, end);
  const words: string[] = [];
  const given = new Map<string, string[]>();
  let command: Command | undefined;
  let help = false;
  const say = (name: string, text: string) => given.set(name, [...(given.get(name) ?? []), text]);

  for (let i = 0; i < own.length; i++) {
    const token = own[i]!;
    const [, written, text] = /^--?([^=-][^=]*)(?:=(.*))?$/s.exec(token) ?? [];
    if (written === undefined) {
      if (words.length === 0 && command === undefined) command = commands.find(({ name }) => name === token);
      if (words.length > 0 || command?.name !== token) words.push(token);
      continue;
    }
    const name = written.replaceAll("-", "_");
    if (name === "help" || name === "h") {
      help = true;
      continue;
    }
    const positive = name.replace(/^no_/, "");
    const flag = known(name);
    if (flag === undefined && known(positive)?.type === "boolean" && text === undefined) say(positive, "false");
    else if (flag === undefined) throw unknownFlag(name, text, command);
    else if (flag.type === "boolean") say(name, text ?? "true");
    else if (text !== undefined) say(name, filled(name, flag, text));
    else say(name, filled(name, flag, own[++i]));
  }

  const asked = command ?? commands[0]!;
  const stranger = [...given.keys()].find((name) => !Object.hasOwn(flagsOf(asked.groups), name));
  if (stranger !== undefined) {
    throw usageError(
      `--${stranger}: not a flag of microrun ${asked.name}`,
      `see microrun ${asked.name} --help`,
    );
  }
  return { command: asked, words, given, rest: end < 0 ? [] : argv.slice(end + 1), help };
}

function known(name: string): Flag | undefined {
  for (const { groups } of commands) {
    const table = flagsOf(groups);
    if (Object.hasOwn(table, name)) return table[name];
  }
  return undefined;
}

function filled(name: string, flag: Flag, text: string | undefined): string {
  if (text !== undefined && text !== "" && !/^--?[a-z]/i.test(text)) return text;
  throw usageError(`--${name}: needs a value`, `write it as --${name}=${flag.example}`);
}

function unknownFlag(name: string, text: string | undefined, command: Command = commands[0]!): Error {
  const foreign = foreignFlag(name);
  if (foreign !== undefined) return usageError(`--${name}: has no meaning in microrun`, foreign);
  const names = Object.keys(flagsOf(command.groups));
  const positive = name.replace(/^no_/, "");
  if (positive !== name && names.includes(positive)) {
    return usageError(`unknown flag --${name}: only a switch can be negated`, `leave --${positive} out`);
  }
  const best = nearest(name, [...names, "help", "version"]);
  const meant = best === undefined ? "" : `: did you mean --${best}?`;
  const hint = best === undefined ? `microrun ${command.name} --help` : `--${best}${text === undefined ? "" : `=${text}`}`;
  return usageError(`unknown flag --${name}${meant}`, best === undefined ? `see ${hint}` : `write ${hint}`);
}

/** The `args` of a MicroService: flags of `microrun run`, each in one word, and behind `--` the module's own. */
import { didYouMean, usageError } from "../../errors.ts";
import { flagsOf } from "../flags/flags.ts";
import { notPassed, passedGroups } from "../flags/manifest-flags.ts";
import type { Given } from "../flags/values.ts";

export interface Args {
  readonly given: Given;
  readonly rest: readonly string[];
}

/** @throws MicrorunError `invalid_argument` */
export function readArgs(args: readonly string[]): Args {
  const end = args.indexOf("--");
  const given = new Map<string, string[]>();
  for (const word of end < 0 ? args : args.slice(0, end)) {
    const [name, text] = readFlag(word);
    given.set(name, [...(given.get(name) ?? []), text]);
  }
  return { given, rest: end < 0 ? [] : args.slice(end + 1) };
}

/** `--log_level=debug`, `--inspect`, `--no-register` */
function readFlag(word: string): readonly [name: string, text: string] {
  const [, written, text] = /^--?([a-z][\w-]*)(?:=(.*))?$/s.exec(word) ?? [];
  // what is no flag may be a secret in the wrong place
  if (written === undefined)
    throw usageError(
      "spec.args: a word is no flag",
      "write --name=value, and the module's own words behind --",
    );
  const name = written.replaceAll("-", "_");
  if (Object.hasOwn(notPassed, name))
    throw usageError(`spec.args: --${name}: has no meaning in a Pod`, `leave it out: ${notPassed[name]}`);
  const flags = flagsOf(passedGroups);
  const positive = name.replace(/^no_/, "");
  if (flags[name] === undefined && flags[positive]?.type === "boolean" && text === undefined)
    return [positive, "false"];
  const flag = flags[name];
  if (flag === undefined)
    throw usageError(
      `spec.args: unknown flag --${name}${didYouMean(name, Object.keys(flags))}`,
      "use flags of microrun run",
    );
  if (text !== undefined) return [name, text];
  if (flag.type === "boolean") return [name, "true"];
  throw usageError(`spec.args: --${name}: needs a value`, `write it as --${name}=${flag.example}`);
}

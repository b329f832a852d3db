/** `microrun completion`: what makes the Tab key know our words. */
import yargs from "yargs";
import { didYouMean, usageError } from "../errors.ts";
import type { Input } from "./command/command.ts";

const shells = ["bash", "zsh"];

export async function start({ words, env, built }: Input): Promise<number> {
  const shell = words[0] ?? (env.SHELL?.endsWith("zsh") ? "zsh" : "bash");
  if (!shells.includes(shell)) {
    throw usageError(`completion for ${shell}: not there${didYouMean(shell, shells)}`, "use bash or zsh");
  }
  // yargs asks this variable which script to print
  process.env.SHELL = shell;
  const script = yargs(["completion"])
    .scriptName(built?.name ?? "microrun")
    .completion("completion", false);
  await script.detectLocale(false).exitProcess(false).parseAsync();
  return 0;
}

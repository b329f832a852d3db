/** `microrun completion`: what makes the Tab key know our words. */
import { didYouMean, usageError } from "../errors.ts";
import type { Input } from "./command.ts";

const shells = ["bash", "zsh"];

export async function start({ words, env }: Input): Promise<number> {
  const shell = words[0] ?? (env.SHELL?.endsWith("zsh") ? "zsh" : "bash");
  if (!shells.includes(shell)) {
    throw usageError(`completion for ${shell}: not there${didYouMean(shell, shells)}`, "use bash or zsh");
  }
  // yargs reads the shell here, when it is loaded
  process.env.SHELL = shell;
  const { printCompletionScript } = await import("./help.ts");
  return printCompletionScript();
}

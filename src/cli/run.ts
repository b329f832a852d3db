/** `microrun run`: serves a module, and says how to call it. */

import { usageError } from "../errors.ts";
import { createLog } from "../log.ts";
import type { Input } from "./command/command.ts";
import { sourceNames } from "./command/own-words.ts";
import { readSettings, settling } from "./command/settings.ts";
import { flagsOf } from "./flags/flags.ts";
import { runGroups, serviceFlags } from "./flags/run-flags.ts";
import { type Given, readFlags } from "./flags/values.ts";
import { nearVariables } from "./flags/variables.ts";

export async function start(input: Input): Promise<number> {
  const { words, given, rest, env, host, built } = input;
  const module = words[0]!;
  const read = readSettings(module, input);
  if (built !== undefined && readFlags(serviceFlags, given, env).watch)
    throw usageError(`--watch: ${built.name} is an executable, which does not change`, "leave it out");
  const { watch, workers } = readFlags(serviceFlags, given, env);
  if (watch && workers !== 1)
    throw usageError(`--watch: restarts one process, not --workers=${workers}`, "leave one of them out");
  if (watch) {
    // the variable may have asked for it: the flag beats it
    return (await host()).watch(["run", module, ...flagTokens(given), "--no-watch", "--", ...rest]);
  }
  const { openLines, runProcesses } = await import("../processes.ts");
  const output = await openLines();
  const write = (line: string): void => output(built === undefined ? line : sourceNames(line, built));
  const settings = { ...read, log: { ...read.log, write } };
  const level = settings.live.logLevel;
  const log = createLog({ ...settings.log, level });
  for (const note of nearVariables(env, flagsOf(runGroups))) log.debug(note);
  const { invitation } = await import("./invitation.ts");
  const { selfCommand } = await import("./command/self.ts");
  return runProcesses(settings, settling(module, input), (ready) => {
    const lines = invitation(ready, { tls: settings.tls !== undefined, self: selfCommand() });
    if (lines.length === 0) return;
    const message = `${ready.service.name} is ready`;
    if (settings.log.format === "json") ready.log.info(message, { try: lines });
    else process.stdout.write(`${message}:\n${lines.map((line) => `  ${line}\n`).join("")}`);
  });
}

function flagTokens(given: Given): string[] {
  return [...given]
    .filter(([name]) => name !== "watch")
    .flatMap(([name, texts]) => texts.map((text) => `--${name}=${text}`));
}

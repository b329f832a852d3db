/** `microrun health <service>`: whether each instance says that it is well, as `micro health` prints it. */
import { usageError } from "../../errors.ts";
import type { Input } from "../command/command.ts";
import { reportFlags } from "../flags/debug-flags.ts";
import { healthFlags } from "../flags/tool-flags.ts";
import { readFlags } from "../flags/values.ts";
import { askEach, openDebugPeers } from "./debug-peers.ts";
import { answersText, type Report } from "./debug-text.ts";

const report: Report<string> = {
  columns: ["status"],
  cells: (status) => [status],
  data: (status) => ({ status }),
};

/** What an instance answers that is well. */
const well = "ok";

export async function start(input: Input): Promise<number> {
  const sidecar = Object.keys(healthFlags).find((name) => input.given.has(name));
  if (sidecar !== undefined)
    throw usageError(
      `--${sidecar}: is for the sidecar, which names no service`,
      "use --address to ask one instance",
    );
  const { output } = readFlags(reportFlags, input.given, input.env);
  await using peers = await openDebugPeers("health", input);
  if (peers === undefined) return 1;
  const answers = await askEach(peers.instances, async (instance) => {
    const { status = "" } = await peers.ask(instance, "Health");
    return String(status);
  });
  process.stdout.write(answersText(peers.service, answers, report, output));
  return answers.every(({ reply }) => reply === well) ? 0 : 1;
}

/** `microrun doctor`: what would stop a service with these flags here, and what to do about it. */
import { type OpenedStore, openStore } from "../../configuration.ts";
import { examineService } from "../../doctor.ts";
import { usageError } from "../../errors.ts";
import { silentLog } from "../../log.ts";
import type { Settings } from "../../settings.ts";
import type { Input } from "../command/command.ts";
import { readModuleFacts } from "../command/module-facts.ts";
import { jsonText } from "../command/output.ts";
import { neededPermissions } from "../command/permissions.ts";
import { versionLine } from "../command/self.ts";
import { readSettings, settling } from "../command/settings.ts";
import { wantsColor } from "../command/terminal.ts";
import { checked } from "../config/config.ts";
import { doctorFlags } from "../flags/doctor-flags.ts";
import { portFlags } from "../flags/run-flags.ts";
import { isTaken, readFlags } from "../flags/values.ts";
import { findingsText } from "./findings.ts";

export async function start(input: Input): Promise<number> {
  const { words, given, env, built } = input;
  const { output, calls, service_account: serviceAccount } = readFlags(doctorFlags, given, env);
  const [named] = words;
  if (built !== undefined && named !== undefined)
    throw usageError(`doctor: unexpected ${named}`, "leave it out: this executable is one service");
  const module = built?.module ?? named;
  const asked = readSettings(module ?? "", input);
  await using stack = new AsyncDisposableStack();
  const opening = openStore(asked, { env, log: silentLog, lenient: true }).then((store) => stack.use(store));
  opening.catch(() => {});
  const findings = await examineService({
    settings: await settled(module ?? "", input, asked, opening),
    env,
    program: versionLine(),
    module,
    opensPorts: await opensPorts(input, module),
    calls,
    serviceAccount,
    async permissions(namespace) {
      return (await neededPermissions({ given, env, serviceAccount: "default", namespace })).objects;
    },
    config: async (loaded) => checked(input, loaded ? module : undefined, await opening),
  });
  const color = wantsColor(env, process.stdout);
  process.stdout.write(output === "json" ? jsonText(findings) : findingsText(findings, color));
  return findings.some(({ status }) => status === "fail") ? 1 : 0;
}

/** Under the configuration, as far as there is one that can be used: its faults are told by themselves. */
async function settled(
  module: string,
  input: Input,
  asked: Settings,
  opening: Promise<OpenedStore>,
): Promise<Settings> {
  try {
    return settling(module, input)((await opening).store.own);
  } catch {
    return asked;
  }
}

/** A job or a worker opens none of itself. @throws MicrorunError `invalid_argument` where there is no such file */
async function opensPorts({ given, env, built }: Input, module: string | undefined): Promise<boolean> {
  if (module === undefined || built !== undefined) return true;
  const { isFunction } = await readModuleFacts("doctor", module);
  return !isFunction || isTaken("server_address", portFlags.server_address, given, env);
}

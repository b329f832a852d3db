/** `microrun openapi`: a module's OpenAPI description, as it would serve it. */

import { usageError } from "../errors.ts";
import { yamlText } from "../yaml.ts";
import type { Input } from "./command/command.ts";
import { toolLog } from "./command/discovery.ts";
import { jsonText } from "./command/output.ts";
import { readSettings } from "./command/settings.ts";
import { openapiFlags } from "./flags/openapi-flags.ts";
import { readFlags } from "./flags/values.ts";

export async function start({ words, given, env, rest, built }: Input): Promise<number> {
  const module = built?.module ?? words[0];
  if (module === undefined)
    throw usageError("openapi: no module", "give the path of one:  microrun openapi ./greeter.ts");
  const { output } = readFlags(openapiFlags, given, env);
  const settings = readSettings(module, { given, env, rest });
  const { moduleOf } = await import("../run.ts");
  const { describeModule } = await import("../api.ts");
  const document = await describeModule(await moduleOf(settings, toolLog(env)), settings);
  process.stdout.write(output === "yaml" ? yamlText(document) : jsonText(document));
  return 0;
}

/** Where a run's configuration comes from: what `--config` and `--set` say, else what is usual here. */
import { existsSync } from "node:fs";
import { configAddress } from "../../config-sources.ts";
import { usageError } from "../../errors.ts";
import type { ConfigSettings } from "../../settings.ts";
import { configFlags } from "../flags/config-flags.ts";
import { type Environment, type Given, readFlags } from "../flags/values.ts";

/** How long a start waits for sources that were asked for, in ms. */
const askedWaitMs = 3000;
/** The same for those that are only usual. */
const usualWaitMs = 1000;

/** The one of these that is there. */
const usualFiles = ["config.yaml", "config.yml", "config.json", "config.toml"];

/** @throws MicrorunError `invalid_argument` */
export function readConfigSettings(given: Given, env: Environment): ConfigSettings {
  const { config, set } = readFlags(configFlags, given, env);
  for (const text of config) configAddress(text);
  for (const path of Object.keys(set)) {
    if (path.split(".").includes(""))
      throw usageError(
        `--set ${path}: a key of its path is empty`,
        `write it as --set ${configFlags.set.example}`,
      );
  }
  return config.length > 0
    ? { sources: config, set, waitMs: askedWaitMs }
    : { sources: usualSources(env), set, waitMs: usualWaitMs };
}

/** As micro/kubernetes has it: the environment, and in a cluster the ConfigMap `micro`, if it may be read. */
function usualSources(env: Environment): string[] {
  if (env.KUBERNETES_SERVICE_HOST) return ["env:", "configmap://default/micro?optional"];
  const file = usualFiles.find((name) => existsSync(name));
  return ["env:", ...(file === undefined ? [] : [`file:./${file}?optional`])];
}

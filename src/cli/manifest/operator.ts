/** `microrun operator`: MicroServices of a cluster kept running, or what installs that printed. */
import { didYouMean, usageError } from "../../errors.ts";
import { runOperator } from "../../operator.ts";
import type { Input } from "../command/command.ts";
import { readLog } from "../command/settings.ts";
import { clusterFlags, installFlags, operatorFlags } from "../flags/operator-flags.ts";
import { readFlags } from "../flags/values.ts";
import { operatorManifest } from "./operator-manifest.ts";
import { planned } from "./planned.ts";

export async function start({ words, given, env, host }: Input): Promise<number> {
  const [word] = words;
  if (word === "manifest") {
    process.stdout.write(await operatorManifest(given));
    return 0;
  }
  if (word !== undefined)
    throw usageError(
      `operator: unexpected ${word}${didYouMean(word, ["manifest"])}`,
      "write microrun operator, or microrun operator manifest",
    );
  const stranger = Object.keys(installFlags).find((name) => given.has(name));
  if (stranger !== undefined)
    throw usageError(`--${stranger}: is of microrun operator manifest`, "leave it out, or add manifest");
  const flags = readFlags(operatorFlags, given, env);
  const { kubeconfig, kubernetes_context: context } = readFlags(clusterFlags, given, env);
  const { watch_namespace: watched, namespace, runtime_image: runtimeImage } = flags;
  return runOperator({
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
    ...(watched === undefined ? {} : { watched }),
    ...(namespace === undefined ? {} : { namespace }),
    lease: flags.lease,
    leaseMs: flags.lease_duration,
    resyncMs: flags.resync,
    healthAddress: flags.health_address,
    plan: (service) => planned(service, runtimeImage),
    host: await host(),
    log: readLog(given, env),
  });
}

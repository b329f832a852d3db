/** `microrun deploy`: a module's image made and pushed, its manifest applied, its rollout awaited. */
import { usageError } from "../../errors.ts";
import { kubernetes } from "../../plugins.ts";
import type { Input } from "../command/command.ts";
import { stopSignal, toolLog } from "../command/discovery.ts";
import { plain } from "../command/output.ts";
import { madeGroups, rolloutFlags } from "../flags/deploy-flags.ts";
import { discoveryFlags } from "../flags/discovery-flags.ts";
import { flagsOf } from "../flags/flags.ts";
import { imageFlags, placeFlags } from "../flags/manifest-flags.ts";
import { type Given, readFlags } from "../flags/values.ts";
import { readImageSettings } from "../image/image-settings.ts";
import { readWorkload } from "./workload.ts";

const clusterFlags = {
  kubeconfig: discoveryFlags.kubeconfig,
  kubernetes_context: discoveryFlags.kubernetes_context,
};

export async function start(input: Input): Promise<number> {
  const { words, given, rest, env } = input;
  const [module] = words;
  const usage = "write microrun deploy ./greeter.ts -t registry.example/greeter:1";
  if (module === undefined) throw usageError("deploy: requires a module", usage);
  const flags = readFlags({ ...rolloutFlags, ...placeFlags, ...imageFlags }, given, env);
  const { kubeconfig, kubernetes_context: context } = readFlags(clusterFlags, given, env);
  if (flags.image === undefined && !given.has("tag"))
    throw usageError("deploy: where to push the image is not said", usage);
  const made = madeFlags(given);
  if (flags.image === undefined)
    await readImageSettings(made, env, { command: "deploy", module, output: undefined });
  else if (made.size > 0)
    throw usageError(
      `--${[...made.keys()][0]}: has no meaning with --image, as no image is made`,
      "leave out one of them",
    );
  const signal = stopSignal();
  const say = (line: string) => process.stderr.write(`${plain(line)}\n`);

  const { openCluster } = await kubernetes.cluster();
  await using cluster = await openCluster({
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
    env,
    log: toolLog(env),
  });
  const { namespace = cluster.namespace } = flags;
  const workload = (image: string | undefined) =>
    readWorkload({ command: "deploy", module, given, rest, image, namespace });
  const { applyObjects, checkObjects, createNamespace } = await kubernetes.apply();
  const how = { cluster, force: flags.force_conflicts, signal };

  const { objects: draft, notes } = await workload(flags.image);
  for (const note of notes) say(`note: ${note}`);
  if (flags.create_namespace) await createNamespace(cluster, namespace, signal);
  // what the cluster would refuse need not be built and pushed first
  await checkObjects({ ...how, objects: draft });
  const image = flags.image ?? (await pushedImage({ ...input, given: made }, signal));
  const { facts, objects } = await workload(image);
  await applyObjects({ ...how, objects, applied: (name) => say(`applied ${name}`) });

  const kind = objects.find(({ kind }) => kind === "Deployment" || kind === "Job")?.kind;
  if (flags.wait && kind !== undefined) {
    const { rollout } = await kubernetes.rollout();
    await rollout({
      cluster,
      kind: kind === "Job" ? "Job" : "Deployment",
      name: facts.name,
      namespace,
      timeoutMs: flags.timeout,
      signal,
      tell: say,
    });
  }
  process.stdout.write(`${facts.name} in namespace ${namespace}: ${facts.image}\n`);
  return 0;
}

/** @returns its reference by digest */
async function pushedImage(input: Input, signal: AbortSignal): Promise<string> {
  const { makeImage } = await import("../image/image.ts");
  const [reference] = await makeImage(input, { command: "deploy", signal });
  return reference!;
}

/** What the line says of the image that is made. */
function madeFlags(given: Given): Given {
  const flags = flagsOf(madeGroups);
  return new Map([...given].filter(([name]) => Object.hasOwn(flags, name)));
}

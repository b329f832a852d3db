/** A module and the flags of its manifest → the facts that its Kubernetes objects are made of. */
import { usageError } from "../../errors.ts";
import { parseReference } from "../../image-reference.ts";
import { kubernetes } from "../../plugins.ts";
import { type Facts, type KubernetesObject, shipping } from "../../shipping.ts";
import { type ModuleFacts, readModuleFacts } from "../command/module-facts.ts";
import { neededPermissions } from "../command/permissions.ts";
import { flagsOf } from "../flags/flags.ts";
import { passedGroups, workloadFlags } from "../flags/manifest-flags.ts";
import { portFlags } from "../flags/run-flags.ts";
import { type Environment, type Given, isTaken, readFlags } from "../flags/values.ts";
import { eventPort, graceSeconds, podPorts } from "./pod-ports.ts";
import { checkFiles, readMounts } from "./workload-mounts.ts";
import {
  checkPullSecrets,
  checkQuantities,
  checkVariables,
  readObjectName,
  readRun,
} from "./workload-values.ts";

export interface WorkloadOptions {
  /** Who asks, for people. */
  readonly command: string;
  readonly module: string;
  /** What the module says of itself. @default its text is read */
  readonly own?: ModuleFacts;
  readonly given: Given;
  /** What follows `--`: the module's own. */
  readonly rest: readonly string[];
  /** Undefined: the name and the version. */
  readonly image: string | undefined;
  readonly namespace: string;
}

export interface Workload {
  readonly facts: Facts;
  readonly objects: readonly KubernetesObject[];
  /** What people should know of it, though nothing is wrong. */
  readonly notes: readonly string[];
}

/** Nothing of this machine's environment counts, only the flags. @throws MicrorunError `invalid_argument` */
export async function readWorkload(options: WorkloadOptions): Promise<Workload> {
  const { command, module, given, rest, namespace } = options;
  const flags = readFlags(workloadFlags, given, {});
  const podEnv: Environment = { ...flags.env, KUBERNETES_SERVICE_HOST: "cluster" };
  const passed = flagsOf(passedGroups);
  const pod = readFlags(passed, given, podEnv) as { server_name?: string; server_version?: string };
  const own = options.own ?? (await readModuleFacts(command, module));
  const name = flags.name ?? dnsName(pod.server_name ?? own.name);
  const opensPort = isTaken("server_address", portFlags.server_address, given, podEnv);
  const run = readRun(flags, given, { isFunction: own.isFunction, opensPort });
  await checkNames({ name, namespace, cron: run.kind === "job" && run.schedule !== undefined });
  checkQuantities(flags);
  const { manifest, ownVariables } = await shipping.manifest();
  checkVariables(Object.keys(flags.env), ownVariables);
  checkPullSecrets(flags.image_pull_secret);
  const mounts = readMounts(flags.mount);
  const notes = [
    ...(run.kind === "worker" && !given.has("worker") ? [workerNote(module)] : []),
    ...checkFiles(given, podEnv, mounts),
  ];
  if (options.image !== undefined) parseReference(options.image);
  const ports = run.kind === "service" ? podPorts(given, podEnv, flags.grpc_probe) : undefined;
  const events = own.subscribes && ports !== undefined ? eventPort(given, podEnv) : undefined;
  const version = pod.server_version ?? own.version;
  const account = flags.service_account ?? name;
  const granted = await neededPermissions({
    // nothing is registered that has no port
    given: run.kind === "service" || opensPort ? given : new Map([...given, ["register", ["false"]]]),
    env: podEnv,
    serviceAccount: account,
    namespace,
  });
  const { registry_format } = readFlags({ registry_format: passed.registry_format! }, given, podEnv);
  const facts: Facts = {
    name,
    namespace,
    ...(version === undefined ? {} : { version }),
    run,
    image: options.image ?? `${name}:${/^[\w][\w.-]{0,127}$/.test(version ?? "") ? version : "latest"}`,
    pullSecrets: flags.image_pull_secret,
    args: [
      ...passedTokens(given, passed),
      ...(ports?.args ?? []),
      ...(rest.length === 0 ? [] : ["--", ...rest]),
    ],
    env: flags.env,
    envFrom: flags.env_from.map((text) => readObjectName("env_from", text)),
    mounts,
    ports: [...(ports?.ports ?? []), ...(events === undefined ? [] : [events])],
    ...(ports === undefined ? {} : { probes: ports.probes }),
    graceSeconds: graceSeconds(given, podEnv),
    cpu: flags.cpu,
    memory: flags.memory,
    account: {
      name: account,
      own: flags.service_account === undefined,
      token: granted.objects.length > 0,
    },
    grants: granted.objects,
    registers: run.kind === "service" && granted.register && registry_format === "micro",
    ...(flags.network_policy === undefined
      ? {}
      : { callers: flags.network_policy as "namespace" | "cluster" }),
    ...(flags.inject === undefined ? {} : { inject: flags.inject as "linkerd" | "istio" }),
  };
  return { facts, objects: manifest(facts), notes };
}

function workerNote(module: string): string {
  return `${module} exports a function: its Pods get no port and no probes; add --job if it ends by itself`;
}

function passedTokens(given: Given, passed: object): string[] {
  return [...given]
    .filter(([name]) => Object.hasOwn(passed, name))
    .flatMap(([name, texts]) => texts.map((text) => `--${name}=${text}`));
}

/** As calls by static addresses write it: a Service's name has no dots. */
function dnsName(service: string): string {
  return service.toLowerCase().replace(/[._]/g, "-");
}

async function checkNames(options: { name: string; namespace: string; cron: boolean }): Promise<void> {
  const { isLabel } = await kubernetes.names();
  const { name, namespace, cron } = options;
  const most = cron ? maxCronJobName : maxServiceName;
  const form = `small letters, digits and -, a letter first and no - last, at most ${most}`;
  if (!isLabel(name) || !/^[a-z]/.test(name) || name.length > most)
    throw usageError(`name ${name || '""'}: not one that a Service can have`, `set --name to ${form}`);
  if (!isLabel(namespace))
    throw usageError(
      `namespace ${namespace || '""'}: not a name of Kubernetes'`,
      "set --namespace to small letters, digits and -, at most 63, a letter or digit at both ends",
    );
}

const maxServiceName = 63;
/** Its Jobs add the time. */
const maxCronJobName = 52;

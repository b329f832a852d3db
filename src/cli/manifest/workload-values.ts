/** Values of the manifest's flags that have a form of their own: quantities, replicas, variables, names of objects. */
import { didYouMean, usageError } from "../../errors.ts";
import type { Facts, ObjectName } from "../../shipping.ts";
import type { Values } from "../flags/flags.ts";
import { notPassed, type workloadFlags } from "../flags/manifest-flags.ts";
import type { Given } from "../flags/values.ts";
import { isSchedule } from "./workload-schedule.ts";

type Flags = Values<typeof workloadFlags>;

const usualReplicas = 2;
/** Two loops of the same work are wanted by whoever says so. */
const usualWorkers = 1;
/** More than any cluster has room for. */
const maxReplicas = 99_999;

/** What its text says of a module. */
interface Nature {
  readonly isFunction: boolean;
  /** A function opens a port only where one is named. */
  readonly opensPort: boolean;
}

/** @throws MicrorunError `invalid_argument` */
export function readRun(flags: Flags, given: Given, nature: Nature): Facts["run"] {
  const { autoscale, headless, replicas, schedule } = flags;
  if (flags.job || schedule !== undefined) return readJob(flags, given);
  const kind = readKind(flags, given, nature);
  if (autoscale === undefined) {
    if (replicas !== undefined && replicas > maxReplicas)
      throw usageError(`--replicas=${replicas}: too much`, `make it at most ${maxReplicas}`);
    return { kind, replicas: replicas ?? (kind === "worker" ? usualWorkers : usualReplicas), headless };
  }
  if (replicas !== undefined)
    throw usageError("--replicas: the autoscaler says how many", "leave it out: --autoscale names the least");
  const [, least, most] = /^(\d{1,6})-(\d{1,6})$/.exec(autoscale) ?? [];
  if (!(Number(least) >= 1 && Number(most) >= Number(least) && Number(most) <= maxReplicas))
    throw usageError(
      `--autoscale=${autoscale}: not a range`,
      `write the least and the most, ${maxReplicas} at most: --autoscale=2-10`,
    );
  return { kind, replicas: Number(least), maxReplicas: Number(most), headless };
}

function readJob({ job, schedule }: Flags, given: Given): Facts["run"] {
  mustLeaveOut(["worker", "replicas", "autoscale", "headless", "grpc_probe"], given, "job");
  if (schedule === undefined) return { kind: "job" };
  if (job) throw usageError("--job: runs once, --schedule at each of its times", "leave out one of them");
  if (!isSchedule(schedule))
    throw usageError(
      `--schedule=${schedule}: not a schedule of cron's`,
      "write minute, hour, day, month and weekday as '*/15 * * * *', or a word such as @daily",
    );
  return { kind: "job", schedule };
}

function readKind({ worker }: Flags, given: Given, { isFunction, opensPort }: Nature): "service" | "worker" {
  const isWorker = given.has("worker") ? worker : isFunction && !opensPort;
  if (!isWorker) return "service";
  if (opensPort)
    throw usageError(
      "--worker: --server_address opens a port, and a worker has none",
      "leave out one of them",
    );
  mustLeaveOut(["headless", "grpc_probe"], given, "worker");
  return "worker";
}

function mustLeaveOut(names: readonly string[], given: Given, kind: "job" | "worker"): void {
  const stranger = names.find((name) => given.has(name));
  if (stranger !== undefined)
    throw usageError(
      `--${stranger}: has no meaning for a ${kind}`,
      `leave out --${stranger}${kind === "job" ? ", or --job and --schedule" : ", or add --no-worker"}`,
    );
}

/** @throws MicrorunError `invalid_argument` for quantities that Kubernetes refuses, or takes for next to nothing */
export function checkQuantities({ cpu, memory }: Pick<Flags, "cpu" | "memory">): void {
  if (!/^(\d+m|\d+(\.\d{1,3})?)$/.test(cpu) || Number.parseFloat(cpu) === 0)
    throw usageError(`--cpu=${cpu}: not a number of CPUs`, "write it as 100m (thousandths) or 0.5");
  if (!/^(\d+(\.\d+)?(Mi|Gi|M|G)|[1-9]\d{6,})$/.test(memory) || Number.parseFloat(memory) === 0)
    throw usageError(`--memory=${memory}: not an amount of memory`, "write it as 256Mi, 1Gi, or in bytes");
}

/** @param own those that each Pod has anyway @throws MicrorunError `invalid_argument` for a name that no shell could read */
export function checkVariables(names: readonly string[], own: readonly string[]): void {
  const wrong = names.find((name) => !/^[A-Za-z_]\w*$/.test(name));
  if (wrong !== undefined)
    throw usageError(
      `--env=${wrong}: not a name of a variable`,
      "use letters, digits and _, the first no digit",
    );
  const twice = names.find((name) => own.includes(name));
  if (twice !== undefined)
    throw usageError(`--env=${twice}: each Pod is told its own`, "leave it out, or choose another name");
  for (const name of names) {
    const flag = name.startsWith("MICRO_") ? name.slice("MICRO_".length).toLowerCase() : "";
    if (Object.hasOwn(notPassed, flag))
      throw usageError(`--env=${name}: has no meaning in a Pod`, `leave it out: ${notPassed[flag]}`);
  }
}

/** `secret/greeter`, `configmap/greeter` @throws MicrorunError `invalid_argument` */
export function readObjectName(flag: string, text: string): ObjectName {
  const [kind = "", name = "", ...more] = text.split("/");
  const kinds = ["secret", "configmap"] as const;
  const known = kinds.find((one) => one === kind.toLowerCase());
  if (known !== undefined && more.length === 0 && isObjectName(name)) return { kind: known, name };
  const meant = known === undefined ? didYouMean(kind, kinds) : "";
  throw usageError(
    `--${flag}: ${text} is no ConfigMap or Secret${meant}`,
    "write it as secret/NAME or configmap/NAME",
  );
}

/** @throws MicrorunError `invalid_argument` */
export function checkPullSecrets(names: readonly string[]): void {
  const wrong = names.find((name) => !isObjectName(name));
  if (wrong !== undefined)
    throw usageError(`--image_pull_secret=${wrong}: not a name that a Secret can have`, "name one as it is");
}

/** What Secrets and ConfigMaps bear: an RFC 1123 subdomain. */
function isObjectName(text: string): boolean {
  return text.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(text);
}

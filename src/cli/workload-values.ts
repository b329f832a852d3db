/** Values of the manifest's flags that have a form of their own: quantities, mounts, replicas, schedules. */
import { didYouMean, usageError } from "../errors.ts";
import type { Facts, Mount, ObjectName } from "../plugins.ts";
import type { Values } from "./flags.ts";
import type { workloadFlags } from "./manifest-flags.ts";
import type { Given } from "./values.ts";

type Flags = Values<typeof workloadFlags>;

const usualReplicas = 2;

/** @throws MicrorunError `invalid_argument` */
export function readRun(flags: Flags, given: Given): Facts["run"] {
  const { autoscale, headless, replicas, schedule } = flags;
  if (flags.job || schedule !== undefined) {
    const stranger = serviceOnly.find((name) => given.has(name));
    if (stranger !== undefined)
      throw usageError(
        `--${stranger}: has no meaning for a job`,
        `leave out --${stranger}, or --job and --schedule`,
      );
    if (schedule === undefined) return { kind: "job" };
    if (!isSchedule(schedule))
      throw usageError(
        `--schedule=${schedule}: not a schedule of cron's`,
        "write it as '*/15 * * * *' or @daily",
      );
    return { kind: "job", schedule };
  }
  if (autoscale === undefined) return { kind: "service", replicas: replicas ?? usualReplicas, headless };
  if (replicas !== undefined)
    throw usageError("--replicas: the autoscaler says how many", "leave it out: --autoscale names the least");
  const [, least, most] = /^(\d{1,5})-(\d{1,5})$/.exec(autoscale) ?? [];
  if (!(Number(least) >= 1 && Number(most) >= Number(least)))
    throw usageError(
      `--autoscale=${autoscale}: not a range`,
      "write the least and the most: --autoscale=2-10",
    );
  return { kind: "service", replicas: Number(least), maxReplicas: Number(most), headless };
}

const serviceOnly = ["replicas", "autoscale", "headless", "grpc_probe"];

function isSchedule(text: string): boolean {
  return /^@(yearly|annually|monthly|weekly|daily|midnight|hourly)$/.test(text) || isCron(text);
}

function isCron(text: string): boolean {
  const fields = text.trim().split(/\s+/);
  return fields.length === 5 && fields.every((field) => /^[\w*/,?-]+$/.test(field));
}

/** @throws MicrorunError `invalid_argument` for quantities that Kubernetes refuses, or takes for next to nothing */
export function checkQuantities({ cpu, memory }: Pick<Flags, "cpu" | "memory">): void {
  if (!/^(\d+m|\d+(\.\d{1,3})?)$/.test(cpu) || Number.parseFloat(cpu) === 0)
    throw usageError(`--cpu=${cpu}: not a number of CPUs`, "write it as 100m (thousandths) or 0.5");
  if (!/^\d+(\.\d+)?(Mi|Gi|M|G)$/.test(memory) || Number.parseFloat(memory) === 0)
    throw usageError(`--memory=${memory}: not an amount of memory`, "write it as 256Mi or 1Gi");
}

/** @throws MicrorunError `invalid_argument` for a name that no shell could read */
export function checkVariables(env: Readonly<Record<string, string>>): void {
  const wrong = Object.keys(env).find((name) => !/^[A-Za-z_]\w*$/.test(name));
  if (wrong !== undefined)
    throw usageError(
      `--env=${wrong}: not a name of a variable`,
      "use letters, digits and _, the first no digit",
    );
}

/** `secret/greeter`, `configmap/greeter` @throws MicrorunError `invalid_argument` */
export function readObjectNames(flag: string, texts: readonly string[]): ObjectName[] {
  return texts.map((text) => objectName(flag, text));
}

function objectName(flag: string, text: string): ObjectName {
  const [kind = "", name = "", ...more] = text.split("/");
  const kinds = ["secret", "configmap"] as const;
  const known = kinds.find((one) => one === kind.toLowerCase());
  if (known !== undefined && more.length === 0 && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name))
    return { kind: known, name };
  const meant = known === undefined ? didYouMean(kind, kinds) : "";
  throw usageError(
    `--${flag}: ${text} is no ConfigMap or Secret${meant}`,
    "write it as secret/NAME or configmap/NAME",
  );
}

/** @param mounts what is at each path @throws MicrorunError `invalid_argument` */
export function readMounts(mounts: Readonly<Record<string, string>>): Mount[] {
  return Object.entries(mounts).map(([path, what]) => {
    if (!/^\/[^:]*[^/:]$/.test(path))
      throw usageError(
        `--mount=${path}: not a path of the container`,
        "write it as /etc/tls=secret/greeter-tls",
      );
    return what.toLowerCase() === "emptydir" ? { path } : { path, from: objectName("mount", what) };
  });
}

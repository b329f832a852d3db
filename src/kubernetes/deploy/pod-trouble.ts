/** Why a Pod does not get ready, as its status tells it. */
import type { Cluster } from "../api/cluster.ts";

export interface Trouble {
  readonly pod: string;
  /** `ImagePullBackOff: Back-off pulling image "greeter:1"` */
  readonly why: string;
  /** The container has run, so that there is a log. */
  readonly hasLog: boolean;
}

/** The part of a Pod that is looked at. */
export interface PodStatus {
  readonly metadata: {
    readonly name: string;
    readonly creationTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

interface ContainerStatus {
  readonly restartCount?: number;
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string };
    readonly running?: object;
    readonly terminated?: Ended;
  };
  readonly lastState?: { readonly terminated?: Ended };
}

interface Ended {
  readonly exitCode: number;
  readonly reason?: string;
}

/** What comes and goes with every start. */
const usualWaits = new Set(["ContainerCreating", "PodInitializing", ""]);

/** The first of the newest template's Pods that has any. */
export function troubleOf(pods: readonly PodStatus[]): Trouble | undefined {
  return newestOf(pods)
    .map(podTrouble)
    .find((trouble) => trouble !== undefined);
}

/** The first of the newest template's Pods that is not ready; what is wrong with it is not said there. */
export function unreadyOf(pods: readonly PodStatus[]): Omit<Trouble, "why"> | undefined {
  const isReady = ({ status }: PodStatus) =>
    status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True");
  const found = newestOf(pods).find((pod) => !isReady(pod));
  if (found === undefined) return undefined;
  const { metadata, status = {} } = found;
  return {
    pod: metadata.name,
    hasLog: status.containerStatuses?.some(({ state }) => state?.running !== undefined) ?? false,
  };
}

function newestOf(pods: readonly PodStatus[]): readonly PodStatus[] {
  const byAge = pods.toSorted((one, other) => age(other).localeCompare(age(one)));
  const hash = byAge[0]?.metadata.labels?.["pod-template-hash"];
  return byAge.filter(({ metadata }) => metadata.labels?.["pod-template-hash"] === hash);
}

function age({ metadata }: PodStatus): string {
  return metadata.creationTimestamp ?? "";
}

function podTrouble({ metadata, status = {} }: PodStatus): Trouble | undefined {
  const pod = metadata.name;
  const scheduled = status.conditions?.find(({ type }) => type === "PodScheduled");
  if (scheduled?.status === "False")
    return { pod, why: said(scheduled.reason ?? "Unschedulable", scheduled.message), hasLog: false };
  for (const { state, lastState, restartCount = 0 } of [
    ...(status.initContainerStatuses ?? []),
    ...(status.containerStatuses ?? []),
  ]) {
    const over = state?.terminated ?? lastState?.terminated;
    const { reason = "", message } = state?.waiting ?? {};
    const failed = over !== undefined && over.exitCode !== 0;
    if (failed) {
      const how = `${over.reason ?? "Error"}, exit code ${over.exitCode}`;
      return { pod, why: reason === "" ? how : `${reason}: ${how}`, hasLog: true };
    }
    if (!usualWaits.has(reason)) return { pod, why: waitingFor(reason, message), hasLog: restartCount > 0 };
  }
  return undefined;
}

/** One that waits to be tried again says no more than the try did. */
function waitingFor(reason: string, message = ""): string {
  return /^Back-off pulling image "[^"]*": (ErrImagePull: .*)$/s.exec(message)?.[1] ?? said(reason, message);
}

function said(reason: string, message: string | undefined): string {
  return message ? `${reason}: ${message}` : reason;
}

/** The most of a log that is shown. */
const maxLines = 10;
const maxBytes = 8192;

/** The last lines that a Pod's container wrote, before it ended where it did; none where they may not be read. */
export async function lastLines(
  cluster: Cluster,
  namespace: string,
  pod: string,
  signal: AbortSignal,
): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/pods/${pod}/log`;
  const bounds = { tailLines: String(maxLines), limitBytes: String(maxBytes) };
  for (const previous of ["true", "false"]) {
    let text = "";
    const arrived = async (answer: string) => {
      text = answer;
    };
    // a log is not JSON, and is here before that is found out
    await cluster.request("GET", path, { query: { ...bounds, previous }, arrived, signal }).catch(() => {});
    if (text !== "") return text.trimEnd();
  }
  return "";
}

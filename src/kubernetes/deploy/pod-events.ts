/** What kubelet and scheduler have warned of about a Pod, where its status says nothing. */
import { MicrorunError } from "../../errors.ts";
import type { Cluster } from "../api/cluster.ts";

/** How long a probe may fail before that is more than a start, by the event's own times. */
const startMs = 10_000;
/** Enough to find the last one: the API server tells them in no order. */
const maxEvents = 100;

/** The part of an event that is looked at. */
export interface PodEvent {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly firstTimestamp?: string | null;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
}

/** Empty where they may not be read. */
export async function eventsOf(
  cluster: Cluster,
  namespace: string,
  pod: string,
  signal: AbortSignal,
): Promise<readonly PodEvent[]> {
  const fieldSelector = `involvedObject.kind=Pod,involvedObject.name=${pod}`;
  const query = { fieldSelector, limit: String(maxEvents) };
  try {
    return (await cluster.request("GET", `/api/v1/namespaces/${namespace}/events`, { query, signal })).items;
  } catch (error) {
    if (MicrorunError.from(error).code === "permission_denied") return [];
    throw error;
  }
}

/** The last warning: `FailedMount: secret "x" not found`. @param patient probes may fail for as long as a start takes */
export function warningIn(events: readonly PodEvent[], patient: boolean): string | undefined {
  const [last] = events
    .filter(({ type }) => type === "Warning")
    .filter((event) => !patient || event.reason !== "Unhealthy" || lastedMs(event) >= startMs)
    .toSorted((one, other) => timeOf(other) - timeOf(one));
  if (last === undefined) return undefined;
  return [last.reason, last.message?.trim()].filter(Boolean).join(": ");
}

function timeOf({ lastTimestamp, eventTime, firstTimestamp }: PodEvent): number {
  return Date.parse(lastTimestamp ?? eventTime ?? firstTimestamp ?? "") || 0;
}

function lastedMs({ firstTimestamp, lastTimestamp }: PodEvent): number {
  return Date.parse(lastTimestamp ?? "") - Date.parse(firstTimestamp ?? "") || 0;
}

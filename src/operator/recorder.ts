/** Events (events.k8s.io) about MicroServices, for `kubectl describe`: told and forgotten, never waited for. */
import { randomBytes } from "node:crypto";
import { errorText } from "../errors.ts";
import type { Log } from "../log.ts";
import { type MicroService, manager, type OperatorCluster, resource } from "./operator.ts";

export interface Told {
  readonly type: "Normal" | "Warning";
  /** `Repaired` */
  readonly reason: string;
  /** `Apply` */
  readonly action: string;
  readonly note: string;
}

export type Recorder = (about: MicroService, told: Told) => void;

/** As the API server bounds them, in bytes. */
const maxNote = 1024;
/** How many are on their way at once; more are dropped. */
const maxPending = 32;

/** @param identity of this process */
export function recorder(
  cluster: Pick<OperatorCluster, "request">,
  { identity, log, signal }: { readonly identity: string; readonly log: Log; readonly signal: AbortSignal },
): Recorder {
  let pending = 0;
  return ({ name, namespace, uid }, { type, reason, action, note }) => {
    if (pending === maxPending) return;
    pending++;
    const { apiVersion, kind } = resource;
    const body = {
      apiVersion: "events.k8s.io/v1",
      kind: "Event",
      metadata: { namespace, name: `${name}.${randomBytes(8).toString("hex")}` },
      eventTime: new Date().toISOString().replace("Z", "000Z"),
      reportingController: `${resource.group}/${manager}`,
      reportingInstance: identity.slice(0, 128),
      ...{ type, reason, action, note: bounded(note) },
      regarding: { apiVersion, kind, name, namespace, uid },
    };
    cluster
      .request("POST", `/apis/events.k8s.io/v1/namespaces/${namespace}/events`, { body, signal })
      .catch((error) => log.debug(`an event was not told: ${errorText(error)}`, { reason, note }))
      .finally(() => pending--);
  };
}

function bounded(text: string): string {
  const bytes = Buffer.from(text);
  return bytes.length <= maxNote
    ? text
    : `${bytes
        .subarray(0, maxNote - 4)
        .toString()
        .replace(/\ufffd+$/, "")}…`;
}

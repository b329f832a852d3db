/** One MicroService looked at: what it asks for, what is there, what is done about it, and what is told of it. */
import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { MicrorunError, usageError } from "../errors.ts";
import type { Log } from "../log.ts";
import { bring, type Done, type Memory } from "./objects.ts";
import {
  type Known,
  type MicroService,
  type MicroServiceStatus,
  type OperatorCluster,
  type Plan,
  resource,
  type Wanted,
} from "./operator.ts";
import type { Recorder } from "./recorder.ts";
import { type Outcome, statusOf } from "./status.ts";

export interface ReconcilerOptions {
  readonly cluster: OperatorCluster;
  readonly known: Known;
  readonly plan: Plan;
  readonly record: Recorder;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export interface Reconciler {
  /** @throws MicrorunError where it has to be tried again */
  look(key: string): Promise<void>;
  /** All is applied anew, whatever the watches say of it. */
  forget(): void;
}

/** Nothing comes of trying again before something has changed, which is watched. */
const settled: readonly (string | undefined)[] = ["INVALID", "MODULE_MISSING"];
/** On the Pods of a module that is a text: another one, other Pods. */
const moduleAnnotation = "microrun.dev/module";

export function reconciler(options: ReconcilerOptions): Reconciler {
  const { cluster, known, plan, record, log, signal } = options;
  const memories = new Map<string, Memory>();

  const realise = async (key: string, service: MicroService): Promise<Outcome> => {
    const { image, objects } = await plan(service).catch((error) => {
      const { code, message, hint } = MicrorunError.from(error);
      if (code !== "invalid_argument") throw error;
      throw new MicrorunError(code, message, { reason: "INVALID", ...(hint === undefined ? {} : { hint }) });
    });
    const print = modulePrint(service, known);
    const wanted = print === undefined ? objects : objects.map((object) => withModule(object, print));
    const memory = memories.get(key) ?? new Map();
    memories.set(key, memory);
    const { done, present } = await bring(wanted, { cluster, known, service, memory, signal });
    tellDone(service, done);
    const found = present.find(({ workload }) => workload !== undefined);
    if (found === undefined) throw usageError("it has neither Deployment nor CronJob");
    return { image, kind: found.kind as "Deployment" | "CronJob", workload: found.workload };
  };

  const tellDone = (service: MicroService, done: Done): void => {
    const told = { made: "Made", changed: "Changed", repaired: "Repaired", removed: "Removed" } as const;
    for (const [what, reason] of Object.entries(told)) {
      const names = done[what as keyof Done];
      if (names.length === 0) continue;
      log.info(`${service.namespace}/${service.name}: ${what} ${names.join(", ")}`);
      record(service, { type: "Normal", reason, action: "Apply", note: `${what} ${names.join(", ")}` });
    }
  };

  const tell = async (service: MicroService, outcome: Outcome): Promise<void> => {
    const now = new Date().toISOString().replace(/\.\d+/, "");
    const status = statusOf(service, outcome, cluster.standing, now);
    if (isDeepStrictEqual(status, service.status)) return;
    const { namespace, name } = service;
    const path = `/apis/${resource.apiVersion}/namespaces/${namespace}/${resource.plural}/${name}/status`;
    const gone = Object.keys(service.status).filter((field) => !Object.hasOwn(status, field));
    const body = { status: { ...Object.fromEntries(gone.map((field) => [field, null])), ...status } };
    // another one of that name is not told what this one is like
    const patch = { metadata: { uid: service.uid }, ...body };
    await cluster
      .request("PATCH", path, { body: patch, contentType: "application/merge-patch+json", signal })
      .catch((error) => {
        if (MicrorunError.from(error).code !== "not_found") throw error;
      });
    tellChange(service, status);
  };

  const tellChange = (service: MicroService, status: MicroServiceStatus): void => {
    const condition = (of: MicroServiceStatus, type: string) =>
      of.conditions?.find((one) => one.type === type && one.status === "True");
    const degraded = condition(status, "Degraded");
    const ready = condition(status, "Ready");
    if (degraded !== undefined && degraded.message !== condition(service.status, "Degraded")?.message) {
      log.warn(`${service.namespace}/${service.name}: ${degraded.message}`, { reason: degraded.reason });
      record(service, { type: "Warning", reason: degraded.reason, action: "Apply", note: degraded.message });
    }
    if (ready !== undefined && condition(service.status, "Ready") === undefined)
      record(service, { type: "Normal", reason: "Ready", action: "Observe", note: ready.message });
  };

  return {
    async look(key) {
      const service = known.service(key);
      if (service === undefined || service.leaving) {
        // what it owned goes with it, by its owner references
        memories.delete(key);
        return;
      }
      try {
        await tell(service, await realise(key, service));
      } catch (error) {
        const fault = MicrorunError.from(error);
        // nobody can be told of it
        if (signal.aborted || fault.code === "unavailable") throw error;
        await tell(service, { trouble: troubleOf(fault) });
        if (!settled.includes(fault.reason)) throw error;
      }
    },
    forget: () => memories.clear(),
  };
}

const reasons: Readonly<Record<string, string>> = {
  INVALID: "Invalid",
  MODULE_MISSING: "ModuleMissing",
  NOT_OWNED: "NotOwned",
};

function troubleOf({ reason = "", message, hint }: MicrorunError): { reason: string; message: string } {
  return {
    reason: reasons[reason] ?? "ApplyFailed",
    message: hint === undefined ? message : `${message}; ${hint}`,
  };
}

/** Undefined: its module is in an image. @throws MicrorunError `failed_precondition` where it is not there */
function modulePrint({ namespace, spec }: MicroService, known: Known): string | undefined {
  const { configMap, key = "main.ts", source } = spec.module ?? {};
  if (source !== undefined) return createHash("sha256").update(source).digest("hex").slice(0, 16);
  if (configMap === undefined) return undefined;
  const content = known.module(namespace, configMap);
  if (content?.keys.includes(key)) return content.print;
  const what = content === undefined ? "there is none" : `it has no ${key}`;
  throw new MicrorunError("failed_precondition", `configmap/${configMap}: ${what}`, {
    reason: "MODULE_MISSING",
    hint: `create it: kubectl -n ${namespace} create configmap ${configMap} --from-file=${key}`,
  });
}

/** The Pods of a Deployment start anew; the next Job starts anew anyway. */
function withModule(object: Wanted, print: string): Wanted {
  if (object.kind !== "Deployment") return object;
  const copy = structuredClone(object) as Wanted & {
    spec: { template: { metadata: { annotations?: Record<string, string> } } };
  };
  const { metadata } = copy.spec.template;
  metadata.annotations = { ...metadata.annotations, [moduleAnnotation]: print };
  return copy;
}

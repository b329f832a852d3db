/** `microrun operator`, put together: the cluster, the lease, what is done while we hold it, and how kubelet asks after us. */
import { hostname } from "node:os";
import { createHealth } from "./health/checks.ts";
import { createLog, type Log, type LogFormat, type LogLevel } from "./log.ts";
import type { Choices } from "./operator/crd.ts";
import type { InstallOptions } from "./operator/install.ts";
import { type Clock, manager, type OperatorCluster, type Plan, type Wanted } from "./operator/operator.ts";
import * as plugins from "./plugins.ts";
import type { Runtime } from "./runtime/runtime.ts";
import { takeSignals } from "./runtime/signals.ts";
import { pause } from "./wait.ts";

export type { Choices } from "./operator/crd.ts";
export type { MicroService, MicroServiceSpec, Plan, Planned, Wanted } from "./operator/operator.ts";

export interface OperatorSettings {
  readonly kubeconfig?: string;
  readonly context?: string;
  /** Where MicroServices are looked after. Undefined: everywhere. */
  readonly watched?: string;
  /** Where the lease is. @default the pod's own, or the context's */
  readonly namespace?: string;
  readonly lease: string;
  readonly leaseMs: number;
  readonly resyncMs: number;
  readonly healthAddress: string;
  readonly plan: Plan;
  readonly host: Runtime;
  readonly log: { readonly level: LogLevel; readonly format: LogFormat; readonly color: boolean };
}

/** Real time, by a clock that nobody sets. */
const clock: Clock = { now: () => performance.now(), pause };

/** Resolves with the exit code when it has ended. @throws MicrorunError when it cannot start */
export async function runOperator(settings: OperatorSettings): Promise<number> {
  const log = createLog({ write: (line) => process.stderr.write(`${line}\n`), ...settings.log });
  using signals = takeSignals(log);
  await using stack = new AsyncDisposableStack();
  const { openCluster } = await plugins.kubernetes.cluster();
  const { kubeconfig, context } = settings;
  const opened = stack.use(
    await openCluster({
      ...(kubeconfig === undefined ? {} : { kubeconfig }),
      ...(context === undefined ? {} : { context }),
      ...{ env: process.env, log },
    }),
  );
  const cluster = await operatorCluster(opened, log);
  let denied: () => Error | undefined = () => undefined;
  const health = createHealth({ log });
  // one that stands by is ready, so that a rollout goes on
  health.add("ready", "watches", () => {
    const error = denied();
    if (error !== undefined) throw error;
  });
  const { createHealthApp } = await plugins.http.app();
  const { serveHttp } = await plugins.http.server();
  const fetch = createHealthApp(health);
  const { healthAddress: address, host, namespace = opened.namespace, watched } = settings;
  const server = stack.use(await serveHttp({ address, fetch, host, drainTimeoutMs: 0, log }));
  log.info(`Server [health] Listening on ${server.address}`);

  const { clusterLease } = await import("./operator/lease.ts");
  const { electionBounds, lead } = await import("./operator/election.ts");
  const { control } = await import("./operator/controller.ts");
  const identity = `${hostname()}_${crypto.randomUUID()}`;
  const store = clusterLease(cluster, { namespace, name: settings.lease });
  const { plan, resyncMs } = settings;
  const lookAfter = async (leading: AbortSignal): Promise<void> => {
    const heard = (asked: typeof denied): void => {
      denied = asked;
    };
    try {
      await control({ cluster, namespace: watched, plan, identity, resyncMs, clock, log }, heard, leading);
    } finally {
      denied = () => undefined;
    }
  };
  health.setServing(true);
  log.info(`${manager} is ready`);
  const bounds = electionBounds(settings.leaseMs);
  await lead({ store, identity, bounds, clock, log }, lookAfter, signals.stop);
  health.setServing(false);
  log.info("stopped");
  return signals.failed ? 1 : 0;
}

async function operatorCluster(
  cluster: Awaited<ReturnType<Awaited<ReturnType<typeof plugins.kubernetes.cluster>>["openCluster"]>>,
  log: Log,
): Promise<OperatorCluster> {
  const { reflect } = await import("./kubernetes/watch/reflector.ts");
  const { applyObjects, pathOf } = await plugins.kubernetes.apply();
  const { deploymentStanding } = await import("./kubernetes/deploy/standing.ts");
  return {
    request: cluster.request,
    follow: (path, query, prune) => reflect({ cluster, path, query, prune, log: withHint(log) }),
    async apply(object, signal) {
      let now: unknown;
      const applied = (_: string, answer: unknown): void => {
        now = answer;
      };
      await applyObjects({ cluster, objects: [object], force: true, fieldManager: manager, signal, applied });
      return now;
    },
    pathOf: (object) => pathOf(object),
    standing: deploymentStanding,
  };
}

/** Who is refused has not been granted what the manifest grants, or the kind is not there. */
function withHint(log: Log): Log {
  const hint = "apply what microrun operator manifest prints";
  return {
    ...log,
    warn: (message, { role: _, ...fields } = {}) =>
      log.warn(message, fields.said === undefined ? fields : { ...fields, hint }),
  };
}

/** The kind itself, and all that the operator may do. */
export async function operatorObjects(
  choices: Choices,
  options: InstallOptions,
): Promise<{ readonly crd: Wanted; readonly grants: readonly Wanted[] }> {
  const { customResource } = await import("./operator/crd.ts");
  const { grants } = await import("./operator/install.ts");
  return { crd: customResource(choices), grants: grants(options) };
}

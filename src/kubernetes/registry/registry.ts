/** The registry that Kubernetes is: EndpointSlices and annotated pods are found, our own Pod is annotated. */
import { MicrorunError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Instance, Registry } from "../../registry/registry.ts";
import { parseServiceName } from "../../service-name.ts";
import { pause } from "../../wait.ts";
import { type Cluster, openCluster } from "../api/cluster.ts";
import { rest } from "../backoff.ts";
import { isWithin } from "../config-address.ts";
import { isNamespace } from "../names.ts";
import type { Needed, Needs } from "../permissions/denied.ts";
import { announcer } from "./announce.ts";
import { deregister } from "./deregister.ts";
import type { Form } from "./form.ts";
import { sameInstances } from "./instances.ts";
import { kratosForm } from "./kratos-form.ts";
import { openLookup } from "./lookup.ts";
import { microForm } from "./micro-form.ts";
import { openNamespaceView } from "./namespace-view.ts";
import { openNamespaces } from "./namespaces.ts";
import { isBehind, type OwnPod, ownPod } from "./own-pod.ts";
import { sharing } from "./share.ts";
import { tellOnce } from "./tell-once.ts";

export interface KubernetesRegistryOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly server?: string;
  /** Where services are looked for; `*`: in all namespaces. @default the pod's own, else the context's */
  readonly namespace?: string;
  /** What the hint of a refusal grants beside what was refused. @default what else was done there */
  readonly needs?: Omit<Needed, "where">;
  /** The form of what is written on the Pod. */
  readonly format: "micro" | "kratos" | "gomicro";
  /** How often it is written again, in ms. */
  readonly intervalMs: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
}

/** A change is told at once, those that come within this time after it together. */
export const gatherMs = 50;
/** How long `list` waits for the API server. */
export const listMs = 5000;
/** How long `list` waits until the watch has brought what this process has written itself. */
export const catchUpMs = 1000;

/** @throws MicrorunError `failed_precondition` where there is no cluster, `invalid_argument` for what cannot be a namespace */
export async function kubernetesRegistry(options: KubernetesRegistryOptions): Promise<Registry> {
  if (options.namespace !== undefined && options.namespace !== "*" && !isNamespace(options.namespace))
    throw new MicrorunError("invalid_argument", `namespace ${options.namespace}: not a name of Kubernetes'`, {
      hint: "set --kubernetes_namespace to small letters, digits and -; * for all namespaces",
    });
  return registryOf(await openCluster(options), options);
}

/** @param cluster closed with the registry */
export function registryOf(
  cluster: Cluster,
  options: Pick<KubernetesRegistryOptions, "namespace" | "needs" | "format" | "intervalMs" | "env" | "log">,
): Registry {
  const { format, intervalMs, env, log } = options;
  const home = options.namespace ?? cluster.namespace;
  const form: Form = format === "micro" ? microForm : kratosForm(format);
  const own = ownPod(cluster.namespace, env);
  const unreadable = tellOnce(log);
  const reading = { own, share: sharing(), broken: unreadable.tell };
  const { register = false, discover = false, sources = [] } = options.needs ?? {};
  const needs: Needs = (namespace) => {
    const known = namespace === home || namespace === own.namespace;
    const done = {
      register: announced.used && namespace === own.namespace,
      discover: namespaces.view(namespace) !== undefined,
    };
    // no flag names another namespace, and what is granted there is granted apart
    if (!known) return { ...done, sources: sources.filter((source) => isWithin(source, namespace)) };
    return {
      register: done.register || register,
      discover: done.discover || discover,
      where: home,
      sources,
    };
  };
  const open = (namespace: string) => openNamespaceView({ cluster, namespace, reading, needs, log });
  const namespaces = openNamespaces(open, log);
  const announced = announcer({ cluster, own, form, intervalMs, needs, log });
  const end = new AbortController();

  return {
    name: "kubernetes",
    persistent: true,
    register: (instance) => announced.register(instance),
    async deregister(instance) {
      if (await announced.withdraw(instance)) return;
      await deregister(cluster, form, instance.namespace ?? home, instance);
    },
    async *watch(service, asked) {
      const signal = AbortSignal.any([asked, end.signal]);
      if (signal.aborted) return;
      unreadable.matters(service);
      let next = Promise.withResolvers<void>();
      const changed = (): void => next.resolve();
      signal.addEventListener("abort", changed, { once: true });
      using lookup = openLookup({ namespaces, home, service, changed });
      let told: readonly Instance[] | undefined;
      while (!signal.aborted) {
        next = Promise.withResolvers();
        const looked = performance.now();
        const found = lookup.current();
        if (found !== undefined && (told === undefined || !sameInstances(found, told))) {
          told = found;
          yield found;
        }
        if (signal.aborted) return;
        await next.promise;
        const early = gatherMs - (performance.now() - looked);
        if (told !== undefined && early > 0) await rest(early, signal);
      }
    },
    async list() {
      using lease = namespaces.lease(home);
      if (lease === undefined)
        throw new MicrorunError(
          "resource_exhausted",
          `cannot look into namespace ${home}: too many are in use`,
        );
      const { view } = lease;
      const over = new AbortController();
      await Promise.race([view.synced, view.hopeless, pause(listMs, over.signal)]);
      over.abort();
      if (view.denied !== undefined) throw view.denied;
      if (view.found === undefined) {
        const why = view.failure?.message ?? `no answer from ${cluster.server}`;
        throw new MicrorunError("unavailable", `cannot list services: ${why}`, {
          hint: view.failure?.hint ?? "check that the API server can be reached from here",
          cause: view.failure,
        });
      }
      await caughtUp(own, home);
      return view.found.all();
    },
    zone() {
      for (const { found } of namespaces.open) own.zone ??= found?.zoneOf(own);
      return own.zone;
    },
    staleSince() {
      const since = [...namespaces.open].flatMap(({ staleSince }) => staleSince ?? []);
      return since.length === 0 ? undefined : Math.min(...since);
    },
    trouble(service) {
      const asked = service === undefined ? undefined : [home, parseServiceName(service).namespace];
      const views = asked?.flatMap((where = home) => namespaces.view(where) ?? []) ?? [...namespaces.open];
      const found = views.map((view) => view.denied ?? view.refused).find(Boolean)?.message;
      if (service !== undefined) return found;
      return [announced.trouble, found].filter(Boolean).join("; ") || undefined;
    },
    async [Symbol.asyncDispose]() {
      end.abort();
      announced[Symbol.dispose]();
      await namespaces[Symbol.asyncDispose]();
      await cluster[Symbol.asyncDispose]();
    },
  };
}

async function caughtUp(own: OwnPod, home: string): Promise<void> {
  if (home !== "*" && home !== own.namespace) return;
  const end = performance.now() + catchUpMs;
  while (isBehind(own) && performance.now() < end) await pause(10);
  // what the watch has brought is told at the end of the turn
  await new Promise<void>((told) => setImmediate(told));
}

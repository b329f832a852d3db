/** ConfigMaps and Secrets as a source of configuration, read from the API server and watched there. */
import type { ConfigData, ConfigSource } from "../../config/config.ts";
import { MicrorunError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { type Cluster, openCluster } from "../api/cluster.ts";
import { rest } from "../backoff.ts";
import {
  type ConfigAddress,
  type ConfigKind,
  configAddress,
  type WrittenAddress,
} from "../config-address.ts";
import type { Needed } from "../permissions/denied.ts";
import { type ReflectorBounds, reflect, reflectorBounds } from "../watch/reflector.ts";
import { configContact } from "./config-contact.ts";
import { type Entries, entriesOf, type ReadEntries } from "./config-entries.ts";
import { configView } from "./config-view.ts";

export interface ConfigMapSourceOptions {
  readonly address: WrittenAddress;
  readonly kind: ConfigKind;
  readonly kubernetes: {
    readonly kubeconfig?: string;
    readonly context?: string;
    /** Where the process discovers. */
    readonly namespace?: string;
    /** What the hint of a refusal grants beside this source: a Role that is applied replaces the one before. @default nothing */
    readonly needs?: Omit<Needed, "where">;
  };
  readonly read: ReadEntries;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** In place of one of its own, such as a handle of `sharedCluster`; disposed when the watch ends. */
  readonly cluster?: () => Promise<Cluster>;
}

/** A change is told at once, those that come within this time after it together. */
export const gatherMs = 50;
/** What is granted is seen within ten seconds, and a thousand services that may not read ask 200 times a second. */
export const configBounds: ReflectorBounds = { ...reflectorBounds, deniedMs: [1000, 10_000] };

/**
 * One object that is deleted keeps its values, and so does the last of several; of several that selectors choose, merged in order
 * of their names, one that leaves takes its values along.
 * @throws MicrorunError `invalid_argument` for an address that cannot be one
 */
export function configMapSource(
  options: ConfigMapSourceOptions,
  bounds: ReflectorBounds = configBounds,
): ConfigSource {
  const { kind, env, log, kubernetes } = options;
  const address = configAddress(options.address, kind);
  const open = options.cluster ?? (() => openCluster({ ...access(kubernetes), env, log }));
  const { text } = options.address;
  const needed = neededWith(text, kubernetes);

  return {
    name: text,
    secret: kind === "secret",
    required: address.required,
    optional: address.optional,
    async *watch(signal, tell, leaveOut) {
      if (signal.aborted) return;
      const opened = await open().catch(MicrorunError.from);
      if (opened instanceof MicrorunError) {
        tell(opened);
        if (!address.optional) throw opened;
        yield Object.create(null) as ConfigData;
        return;
      }
      await using cluster = opened;
      const placed = { ...address, namespace: address.namespace ?? cluster.namespace };
      let next = Promise.withResolvers<void>();
      const changed = (): void => next.resolve();
      using contact = configContact({ address: placed, needed, changed });
      await using objects = reflect<Entries>(
        {
          cluster,
          path: `/api/v1/namespaces/${placed.namespace}/${kind}s`,
          query: selection(address),
          prune: (object) => entriesOf(kind, object),
          heard: contact.heard,
          log: muted(log),
        },
        bounds,
      );
      objects.onChange(changed);
      signal.addEventListener("abort", changed, { once: true });
      const look = configView(placed, options.read);
      let tree: ConfigData | undefined;
      let told: ConfigData | undefined;
      let fault: MicrorunError | undefined;
      try {
        while (!signal.aborted) {
          next = Promise.withResolvers();
          const looked = performance.now();
          const state = contact.listed ? look(objects.current) : undefined;
          const wrong = contact.fault ?? state?.fault;
          if (!sameFault(wrong, fault)) tell(wrong);
          fault = wrong;
          if (state !== undefined) leaveOut?.(state.left);
          if (state !== undefined) tree = state.tree ?? tree;
          else if (objects.denied !== undefined) tree ??= Object.create(null) as ConfigData;
          if (tree !== undefined && tree !== told) {
            told = tree;
            yield tree;
          }
          if (signal.aborted) return;
          await next.promise;
          const early = gatherMs - (performance.now() - looked);
          if (told !== undefined && early > 0) await rest(early, signal);
        }
      } finally {
        signal.removeEventListener("abort", changed);
      }
    },
  };
}

function access({ kubeconfig, context }: ConfigMapSourceOptions["kubernetes"]): {
  kubeconfig?: string;
  context?: string;
} {
  return {
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
  };
}

function neededWith(text: string, { namespace, needs }: ConfigMapSourceOptions["kubernetes"]): Needed {
  const { register = false, discover = false, sources = [] } = needs ?? {};
  return {
    register,
    discover,
    ...(namespace === undefined ? {} : { where: namespace }),
    sources: [...new Set([...sources, text])],
  };
}

/** A Role with `resourceNames` allows a list and a watch of that very field selector. */
function selection({ name, labels, fields }: ConfigAddress): Record<string, string> {
  const chosen = name === undefined ? fields : `metadata.name=${name}`;
  return {
    ...(labels === undefined ? {} : { labelSelector: labels }),
    ...(chosen === undefined ? {} : { fieldSelector: chosen }),
  };
}

function sameFault(a: MicrorunError | undefined, b: MicrorunError | undefined): boolean {
  return a?.code === b?.code && a?.message === b?.message;
}

/** What the reflector warns of is told as a fault, by whoever opened the source. */
function muted(log: Log): Log {
  return {
    debug: log.debug,
    info: log.debug,
    warn: log.debug,
    error: log.error,
    with: (fields) => muted(log.with(fields)),
  };
}

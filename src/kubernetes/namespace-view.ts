/** What one namespace holds, kept in step by two watches that all who ask share: one of Pods, one of EndpointSlices. */
import { MicrorunError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Cluster } from "./cluster.ts";
import { arrange, type Found } from "./found.ts";
import { type PodReading, readPod } from "./pods.ts";
import { reflect } from "./reflector.ts";
import { readSlice } from "./slices.ts";

export interface NamespaceView extends AsyncDisposable {
  /** Undefined until both kinds are known, or one is and the other may not be had. */
  readonly found: Found | undefined;
  /** Resolves when `found` is there. */
  readonly synced: Promise<void>;
  /** Since when `found` may be out of date, in ms since the epoch. */
  readonly staleSince: number | undefined;
  /** Why nothing can be found at all: both kinds are refused. */
  readonly denied: MicrorunError | undefined;
  /** Calls back when `found` may have become another; returns what ends that. */
  onChange(changed: () => void): () => void;
}

export interface NamespaceViewOptions {
  readonly cluster: Cluster;
  /** `*`: all. */
  readonly namespace: string;
  readonly reading: PodReading;
  readonly log: Log;
}

/** Asks the API server at once. */
export function openNamespaceView({ cluster, namespace, reading, log }: NamespaceViewOptions): NamespaceView {
  const within = namespace === "*" ? "" : `/namespaces/${namespace}`;
  const pods = reflect({
    cluster,
    path: `/api/v1${within}/pods`,
    prune: (pod) => readPod(pod, reading),
    log,
  });
  const slices = reflect({
    cluster,
    path: `/apis/discovery.k8s.io/v1${within}/endpointslices`,
    query: { labelSelector: "kubernetes.io/service-name" },
    prune: (slice) => readSlice(slice, reading.share),
    log,
  });
  const kinds = [pods, slices] as const;

  let ready = false;
  let arranged: Found | undefined;
  const listeners = new Set<() => void>();
  const tell = (): void => {
    arranged = undefined;
    for (const changed of listeners) changed();
  };
  /** Those that were not refused from the beginning. */
  const delivered = new Set<(typeof kinds)[number]>();
  for (const kind of kinds) {
    kind.onChange(() => {
      delivered.add(kind);
      tell();
    });
    void kind.synced.then(() => {
      if (kind.denied === undefined) delivered.add(kind);
    });
  }
  const synced = Promise.all(kinds.map((kind) => kind.synced)).then(() => {
    ready = true;
    tell();
  });

  return {
    get found() {
      if (!ready) return undefined;
      arranged ??= arrange(pods.current, slices.current);
      return arranged;
    },
    synced,
    get staleSince() {
      // what was never had cannot be out of date, where the other kind tells
      const had = delivered.size > 0 ? [...delivered] : kinds;
      const since = had.flatMap(({ staleSince }) => staleSince ?? []);
      return since.length === 0 ? undefined : Math.min(...since);
    },
    get denied() {
      const [first, second] = [pods.denied, slices.denied];
      if (first === undefined || second === undefined) return undefined;
      const where = namespace === "*" ? "in all namespaces" : `in namespace ${namespace}`;
      return new MicrorunError(first.code, `may not look for services ${where}: ${first.message}`, {
        hint:
          first.hint ??
          `grant it: microrun rbac --kubernetes_namespace=${namespace === "*" ? "'*'" : namespace} | kubectl apply -f -`,
        cause: first,
      });
    },
    onChange(changed) {
      listeners.add(changed);
      return () => listeners.delete(changed);
    },
    async [Symbol.asyncDispose]() {
      listeners.clear();
      await Promise.all(kinds.map((kind) => kind[Symbol.asyncDispose]()));
    },
  };
}

/** What one namespace holds, kept in step by two watches that all who ask share: one of Pods, one of EndpointSlices. */
import { MicrorunError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { Cluster } from "../api/cluster.ts";
import type { Verb } from "../permissions/contact.ts";
import { deniedMessage, type Needs } from "../permissions/denied.ts";
import { reflect } from "../watch/reflector.ts";
import { arrange, type Found } from "./found.ts";
import { type PodReading, readPod } from "./pods.ts";
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
  /** Why what was found is no longer kept in step: it is refused now. */
  readonly refused: MicrorunError | undefined;
  /** What went wrong last, unless it goes well by now. */
  readonly failure: MicrorunError | undefined;
  /** Resolves when something goes wrong that waiting does not mend. */
  readonly hopeless: Promise<void>;
  /** Calls back when `found` may have become another; returns what ends that. */
  onChange(changed: () => void): () => void;
}

export interface NamespaceViewOptions {
  readonly cluster: Cluster;
  /** `*`: all. */
  readonly namespace: string;
  readonly reading: PodReading;
  readonly needs: Needs;
  readonly log: Log;
}

/** Asks the API server at once. */
export function openNamespaceView(options: NamespaceViewOptions): NamespaceView {
  const { cluster, namespace, reading, needs, log } = options;
  let failure: MicrorunError | undefined;
  const hopeless = Promise.withResolvers<void>();
  const heard = (_verb: Verb, error: MicrorunError | undefined): void => {
    failure = error;
    // what somebody must do something about
    if (error?.hint !== undefined) hopeless.resolve();
  };
  const within = namespace === "*" ? "" : `/namespaces/${namespace}`;
  const pods = reflect({
    cluster,
    path: `/api/v1${within}/pods`,
    prune: (pod) => readPod(pod, reading),
    heard,
    needs,
    log,
  });
  const slices = reflect({
    cluster,
    path: `/apis/discovery.k8s.io/v1${within}/endpointslices`,
    query: { labelSelector: "kubernetes.io/service-name" },
    prune: (slice) => readSlice(slice, reading.share),
    heard,
    needs,
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

  const refusal = (error: MicrorunError | undefined, resource: string): MicrorunError | undefined => {
    if (error === undefined) return undefined;
    const { message, fields } = deniedMessage(error, "list", resource, namespace, needs);
    return new MicrorunError(error.code, message, { hint: String(fields.hint), cause: error });
  };

  return {
    get found() {
      if (!ready) return undefined;
      arranged ??= arrange(pods.current, slices.current);
      return arranged;
    },
    synced,
    get staleSince() {
      // what was never had cannot be out of date, where the other kind tells; who refuses has been reached
      const had = delivered.size > 0 ? [...delivered] : kinds.filter((kind) => kind.denied === undefined);
      const since = had.flatMap(({ staleSince }) => staleSince ?? []);
      return since.length === 0 ? undefined : Math.min(...since);
    },
    get denied() {
      return slices.denied && refusal(pods.denied, "pods");
    },
    get refused() {
      const lost = (kind: (typeof kinds)[number]) => (delivered.has(kind) ? kind.denied : undefined);
      return refusal(lost(pods), "pods") ?? refusal(lost(slices), "endpointslices.discovery.k8s.io");
    },
    get failure() {
      return failure;
    },
    hopeless: hopeless.promise,
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

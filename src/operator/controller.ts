/** While we lead: MicroServices and what is theirs are followed, and whatever changes is looked at. */
import { errorText } from "../errors.ts";
import type { Log } from "../log.ts";
import { aborted } from "../wait.ts";
import {
  adoptAnnotation,
  type Clock,
  type Followed,
  type Known,
  type MicroService,
  type ModuleContent,
  type OperatorCluster,
  type Owned,
  type Plan,
  resource,
  type Seen,
  serviceLabel,
} from "./operator.ts";
import { contentPrint, owned, ownedKinds } from "./ownership.ts";
import { workQueue } from "./queue.ts";
import { reconciler } from "./reconciler.ts";
import { recorder } from "./recorder.ts";

export interface ControllerOptions {
  readonly cluster: OperatorCluster;
  /** Undefined: all. */
  readonly namespace: string | undefined;
  readonly plan: Plan;
  /** Of this process. */
  readonly identity: string;
  /** How often all is looked at though nothing was heard, in ms. */
  readonly resyncMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Told what the API server refuses to let us follow; undefined: nothing. */
export type Heard = (denied: () => Error | undefined) => void;

/** Resolves after the signal, when no work is under way. */
export async function control(options: ControllerOptions, heard: Heard, signal: AbortSignal): Promise<void> {
  const { cluster, namespace, plan, identity, resyncMs, clock, log } = options;
  await using stack = new AsyncDisposableStack();
  const follow = <T>(
    [apiVersion, plural]: readonly [string, string],
    query: Readonly<Record<string, string>>,
    keep: (object: Seen) => T | undefined,
  ): Followed<T> => {
    const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const place = namespace === undefined ? "" : `/namespaces/${namespace}`;
    return stack.use(cluster.follow(`${root}${place}/${plural}`, query, keep));
  };
  const services = follow([resource.apiVersion, resource.plural], {}, microService);
  const modules = follow<ModuleContent>(["v1", "configmaps"], {}, (object) => ({
    keys: Object.keys({ ...object.data, ...object.binaryData }),
    print: contentPrint(object),
  }));
  const kinds = new Map(
    ownedKinds.map(([apiVersion, kind, plural]) => [
      plural as string,
      follow<Owned>([apiVersion, plural], { labelSelector: serviceLabel }, (object) =>
        owned(object, apiVersion, kind),
      ),
    ]),
  );
  const followed: readonly Followed<unknown>[] = [services, modules, ...kinds.values()];
  heard(() => followed.map(({ denied }) => denied).find((error) => error !== undefined));

  const known: Known = {
    service: (key) => services.current.get(key),
    owned: (path) => {
      const [, place, plural = "", name] = /\/namespaces\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
      return kinds.get(plural)?.current.get(`${place}/${name}`);
    },
    labelled: ({ namespace, name }) =>
      [...kinds.values()].flatMap(({ current }) =>
        [...current.values()].filter((one) => one.service === name && one.metadata.namespace === namespace),
      ),
    module: (namespace, name) => modules.current.get(`${namespace}/${name}`),
  };
  await Promise.race([Promise.all(followed.map(({ synced }) => synced)), aborted(signal)]);
  if (signal.aborted) return;

  const record = recorder(cluster, { identity, log, signal });
  const { look, forget } = reconciler({ cluster, known, plan, record, log, signal });
  const failed = (key: string, error: unknown, waitMs: number): void => {
    if (!signal.aborted)
      log.warn(`${key}: ${errorText(error)}`, { again: `in ${Math.round(waitMs / 100) / 10} s` });
  };
  const queue = stack.use(workQueue({ work: look, failed, clock }));
  const lookAtAll = (): void => {
    for (const key of services.current.keys()) queue.add(key);
  };
  stack.defer(onEach(services, (key) => queue.add(key)));
  for (const kind of kinds.values())
    stack.defer(
      onEach(kind, (_, { service, metadata }) => {
        if (service !== undefined) queue.add(`${metadata.namespace}/${service}`);
      }),
    );
  stack.defer(
    onEach(modules, (module) => {
      for (const [key, { namespace, spec }] of services.current)
        if (`${namespace}/${spec.module?.configMap}` === module) queue.add(key);
    }),
  );
  lookAtAll();
  log.info(
    `looking after ${services.current.size} MicroServices ${namespace ? `in namespace ${namespace}` : "in all namespaces"}`,
  );
  while (!signal.aborted) {
    await clock.pause(resyncMs, signal);
    if (signal.aborted) break;
    forget();
    lookAtAll();
  }
}

/** Calls back for what is new, other or gone since the last time. @returns what ends that */
function onEach<T>(followed: Followed<T>, changed: (key: string, value: T) => void): () => void {
  let before = new Map(followed.current);
  return followed.onChange(() => {
    const now = new Map(followed.current);
    for (const [key, value] of now) if (before.get(key) !== value) changed(key, value);
    for (const [key, value] of before) if (!now.has(key)) changed(key, value);
    before = now;
  });
}

function microService({ metadata, spec = {}, status = {} }: Seen): MicroService {
  const { name, namespace, uid, generation = 1, deletionTimestamp, annotations } = metadata;
  return {
    ...{ name, namespace, uid, generation, spec, status },
    leaving: deletionTimestamp !== undefined,
    adopts: annotations?.[adoptAnnotation] === "true",
  };
}

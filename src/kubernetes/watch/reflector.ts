/** The present objects of one kind, kept in step with the API server by list and watch. */
import { MicrorunError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { apiError } from "../api/api-error.ts";
import type { Cluster, WatchEvent } from "../api/cluster.ts";
import { backoff, rest } from "../backoff.ts";
import { contact as contactOf, type Verb } from "../permissions/contact.ts";
import { isDenial, type Needs, resourceOf } from "../permissions/denied.ts";
import { isExpired, keyOf, listObjects } from "./object-list.ts";
import { objectStore } from "./object-store.ts";
import { watchdog } from "./watchdog.ts";

/** All waits of a reflector. */
export interface ReflectorBounds {
  /** After a failure: anything up to the first of these, doubling up to the second, in ms. */
  readonly retryMs: readonly [first: number, last: number];
  /** The same after a refusal. */
  readonly deniedMs: readonly [first: number, last: number];
  /** A watch without event or bookmark is opened anew, in ms; bookmarks come about every minute. */
  readonly idleMs: number;
  /** A watch that ends sooner, and brought nothing, went badly, in ms. */
  readonly quickMs: number;
  /** After so many in a row that went badly the list is made anew. */
  readonly maxQuick: number;
  /** The server is asked to end a watch after a time between these, in s. */
  readonly watchSeconds: readonly [least: number, most: number];
}

export const reflectorBounds: ReflectorBounds = {
  retryMs: [100, 10_000],
  deniedMs: [1000, 30_000],
  idleMs: 90_000,
  quickMs: 1000,
  maxQuick: 3,
  watchSeconds: [300, 600],
};
export interface ReflectorOptions<T> {
  readonly cluster: Cluster;
  /** `/api/v1/namespaces/default/pods` */
  readonly path: string;
  /** Selectors: `labelSelector`, `fieldSelector`. */
  readonly query?: Readonly<Record<string, string>>;
  /** What is kept of an object; undefined: nothing, it does not matter here. */
  // biome-ignore lint/suspicious/noExplicitAny: any Kubernetes object
  readonly prune: (object: any) => T | undefined;
  /** Called after each list and each watch accepted or failed, with why it failed; what was lost is told when it fails. */
  readonly heard?: (verb: Verb, error: MicrorunError | undefined) => void;
  /** What the hint of a refusal grants. */
  readonly needs?: Needs;
  readonly log: Log;
}

export interface Reflector<T> extends AsyncDisposable {
  /** By `namespace/name`; empty until the first list is there. */
  readonly current: ReadonlyMap<string, T>;
  /** Resolves with the first list, or with the first answer that none may be had (`denied`). */
  readonly synced: Promise<void>;
  /** Since when `current` may be out of date, in ms since the epoch; undefined: it is current. */
  readonly staleSince: number | undefined;
  /** Why the API server refuses the list or watch (401, 403, 404); undefined: it does not. Asked again all the time. */
  readonly denied: MicrorunError | undefined;
  /** Calls back after each change of `current`; returns what ends that. */
  onChange(changed: () => void): () => void;
}

/** Starts at once. */
export function reflect<T>(
  options: ReflectorOptions<T>,
  bounds: ReflectorBounds = reflectorBounds,
): Reflector<T> {
  const { cluster, path, query, log, heard = () => {} } = options;
  const stop = new AbortController();
  const { signal } = stop;
  const synced = Promise.withResolvers<void>();
  const store = objectStore<T>(log);
  const contact = contactOf(resourceOf(path), log, options.needs);
  const retries = backoff({ firstMs: bounds.retryMs[0], lastMs: bounds.retryMs[1] });
  const refusals = backoff({ firstMs: bounds.deniedMs[0], lastMs: bounds.deniedMs[1] });

  // biome-ignore lint/suspicious/noExplicitAny: any Kubernetes object
  const prune = (object: any): T | undefined => {
    try {
      return options.prune(object);
    } catch (error) {
      // one odd object must not hide the others
      log.debug(`${path}: ${keyOf(object)} cannot be read and is left out`, { error });
      return undefined;
    }
  };

  /** Where the next watch goes on; undefined: list first. */
  let version: string | undefined;
  /** The version is a list's own: no watch has gone on from it yet. */
  let fresh = false;
  /** Watches in a row that went badly. */
  let quick = 0;
  /** When the API server was last known to be there, in ms since the epoch. */
  let lastContact = Date.now();

  const list = async (): Promise<void> => {
    const listed = await listObjects({ cluster, path, query, prune, signal });
    store.replace(listed.items);
    version = listed.version;
    fresh = true;
    lastContact = Date.now();
    contact.succeeded("list");
    heard("list", undefined);
    synced.resolve();
  };

  const take = ({ type, object }: WatchEvent): void => {
    if (type === "ERROR") throw apiError(Number(object.code) || 500, object, `watch of ${path}`);
    // objects that left the selector are DELETED too
    if (type !== "BOOKMARK") store.set(keyOf(object), type === "DELETED" ? undefined : prune(object));
    version = object.metadata?.resourceVersion || version;
  };

  /** Until the watch ends, one way or another. */
  const watch = async (from: string): Promise<void> => {
    using idle = watchdog(bounds.idleMs, signal);
    const began = performance.now();
    let events = 0;
    let opened = false;
    try {
      const [least, most] = bounds.watchSeconds;
      const timeoutSeconds = String(Math.round(least + Math.random() * (most - least)));
      const asked = { ...query, allowWatchBookmarks: "true", resourceVersion: from, timeoutSeconds };
      const accepted = () => {
        opened = true;
        idle.heard();
        contact.succeeded("watch");
        heard("watch", undefined);
      };
      for await (const event of cluster.watch(path, asked, idle.signal, accepted)) {
        take(event);
        if (!opened) accepted();
        idle.heard();
        events++;
      }
      lastContact = Date.now() - (idle.expired ? performance.now() - idle.heardAt : 0);
      if (idle.expired) contact.lost(lastContact);
    } catch (error) {
      if (opened) lastContact = Date.now();
      throw error;
    } finally {
      const well = events > 0 || performance.now() - began >= bounds.quickMs;
      if (opened && well) {
        fresh = false;
        retries.reset();
        refusals.reset();
        quick = 0;
      } else quick++;
    }
  };

  const failed = (error: unknown): number => {
    if (isExpired(error) && version !== undefined) {
      version = undefined;
      // what happened since is not known before the list is there
      contact.lost(lastContact);
      return fresh ? retries.next() : 0;
    }
    const known = MicrorunError.from(error);
    const verb = version === undefined ? "list" : "watch";
    contact.failed(verb, known, lastContact);
    heard(verb, known);
    // it never got there, so that the version we asked for is not to blame
    if (known.unsent) quick = 0;
    if (!isDenial(known)) return retries.next();
    version = undefined;
    synced.resolve();
    return refusals.next();
  };

  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      let wait = 0;
      try {
        if (version === undefined) await list();
        else {
          await watch(version);
          if (quick > 0) wait = retries.next();
        }
      } catch (error) {
        if (signal.aborted) break;
        wait = failed(error);
      }
      if (quick >= bounds.maxQuick) {
        quick = 0;
        version = undefined;
      }
      if (wait > 0) await rest(wait, signal);
    }
  };
  const running = run();

  return {
    get current() {
      return store.current;
    },
    get staleSince() {
      return contact.staleSince;
    },
    get denied() {
      return contact.denied;
    },
    synced: synced.promise,
    onChange: store.onChange,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      store[Symbol.dispose]();
      synced.resolve();
      await running;
    },
  };
}

/** The namespaces that are looked into: opened when first asked for, shared, the one longest unused closed for another. */
import type { Log } from "../../log.ts";
import { isNamespace } from "../names.ts";
import type { NamespaceView } from "./namespace-view.ts";

/** Each costs two watches. */
export const maxNamespaces = 16;

/** One who looks into a namespace; it stays open while anybody does. */
export interface Lease extends Disposable {
  readonly view: NamespaceView;
}

export interface Namespaces extends AsyncDisposable {
  readonly open: Iterable<NamespaceView>;
  /** Undefined: it is not looked into. */
  view(namespace: string): NamespaceView | undefined;
  /** Undefined: no namespace can have that name, or there are too many in use. */
  lease(namespace: string): Lease | undefined;
  /** Calls back when a namespace is no longer in use, so that another may be opened; returns what ends that. */
  onFree(freed: () => void): () => void;
}

interface Held {
  readonly view: NamespaceView;
  users: number;
}

export function openNamespaces(openView: (namespace: string) => NamespaceView, log: Log): Namespaces {
  // in the order of use, the longest unused first
  const held = new Map<string, Held>();
  const listeners = new Set<() => void>();
  const closing = new Set<Promise<unknown>>();
  let full = false;

  const close = (namespace: string, { view }: Held): void => {
    held.delete(namespace);
    const closed = Promise.resolve(view[Symbol.asyncDispose]()).catch(() => {});
    closing.add(closed);
    closed.then(() => closing.delete(closed));
  };
  const makeRoom = (): boolean => {
    if (held.size < maxNamespaces) return true;
    const idle = [...held].find(([, { users }]) => users === 0);
    if (idle !== undefined) close(...idle);
    return idle !== undefined;
  };

  return {
    get open() {
      return [...held.values()].map(({ view }) => view);
    },
    view: (namespace) => held.get(namespace)?.view,
    lease(namespace) {
      if (namespace !== "*" && !isNamespace(namespace)) return undefined;
      let one = held.get(namespace);
      if (one === undefined) {
        if (!makeRoom()) {
          if (!full)
            log.warn(`cannot look into namespace ${namespace}: ${maxNamespaces} are in use`, {
              hint: "look into all of them at once: --kubernetes_namespace='*'",
            });
          full = true;
          return undefined;
        }
        one = { view: openView(namespace), users: 0 };
      }
      const mine = one;
      held.delete(namespace);
      held.set(namespace, mine);
      mine.users++;
      let ended = false;
      return {
        view: mine.view,
        [Symbol.dispose]() {
          if (ended) return;
          ended = true;
          mine.users--;
          if (mine.users > 0) return;
          full = false;
          for (const freed of listeners) freed();
        },
      };
    },
    onFree(freed) {
      listeners.add(freed);
      return () => listeners.delete(freed);
    },
    async [Symbol.asyncDispose]() {
      for (const one of [...held]) close(...one);
      await Promise.all(closing);
    },
  };
}

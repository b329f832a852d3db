/** One name that is watched: where it is looked for by the rule of service-name.ts, and what is found there now. */
import type { Instance } from "../../registry/registry.ts";
import { parseServiceName } from "../../service-name.ts";
import type { Lease, Namespaces } from "./namespaces.ts";

/** Disposing it lets go of the namespaces it looks into. */
export interface Lookup extends Disposable {
  /** What is found; undefined: not known yet. */
  current(): readonly Instance[] | undefined;
}

export interface LookupOptions {
  readonly namespaces: Namespaces;
  /** `*`: all. */
  readonly home: string;
  readonly service: string;
  /** Called when `current` may give something else. */
  readonly changed: () => void;
}

export function openLookup({ namespaces, home, service, changed }: LookupOptions): Lookup {
  const { name, namespace, host } = parseServiceName(service);
  const elsewhere = namespace !== undefined && home !== "*" && namespace !== home;
  const leases = new Map<string, Lease>();
  const ends: (() => void)[] = [namespaces.onFree(changed)];

  const foundIn = (where: string) => {
    let lease = leases.get(where);
    if (lease === undefined) {
      lease = namespaces.lease(where);
      if (lease === undefined) return { named: () => [] };
      leases.set(where, lease);
      ends.push(lease.view.onChange(changed));
    }
    return lease.view.found;
  };

  return {
    current() {
      const mine = foundIn(home);
      if (mine === undefined) return undefined;
      const exact = mine.named(service);
      if (exact.length > 0 || host !== undefined || name === service) return exact;
      // the other namespace is opened only now: most names with a dot are Go Micro's
      return elsewhere ? foundIn(namespace)?.named(name) : mine.named(name, namespace);
    },
    [Symbol.dispose]() {
      for (const end of ends) end();
      for (const lease of leases.values()) lease[Symbol.dispose]();
    },
  };
}

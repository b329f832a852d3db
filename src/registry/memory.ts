/** A registry inside one process. */
import type { Instance, Registry } from "./registry.ts";
import { snapshots } from "./snapshots.ts";

export function memoryRegistry(): Registry {
  const instances = new Map<string, Instance>();
  const watches = snapshots({ current: () => instances.values() });
  const key = ({ service, id }: Instance): string => JSON.stringify([service, id]);

  return {
    name: "memory",
    persistent: false,
    async register(instance) {
      const own = { ...instance };
      instances.set(key(own), own);
      watches.changed();
      return {
        async [Symbol.asyncDispose]() {
          if (instances.get(key(own)) !== own) return;
          instances.delete(key(own));
          watches.changed();
        },
      };
    },
    async deregister(instance) {
      if (instances.delete(key(instance))) watches.changed();
    },
    watch: watches.watch,
    list: async () => [...instances.values()],
    async [Symbol.asyncDispose]() {
      watches[Symbol.dispose]();
    },
  };
}

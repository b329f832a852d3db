/** A registry inside one process. */
import type { Instance, Registry } from "./registry.ts";

export function memoryRegistry(): Registry {
  const instances = new Map<string, Instance>();
  const waiting = new Set<() => void>();
  const changed = (): void => {
    for (const wake of waiting) wake();
  };

  return {
    name: "memory",
    async register(instance) {
      instances.set(instance.id, instance);
      changed();
      return {
        async [Symbol.asyncDispose]() {
          if (instances.get(instance.id) === instance) instances.delete(instance.id);
          changed();
        },
      };
    },
    async *watch(service, signal) {
      while (!signal.aborted) {
        const next = Promise.withResolvers<void>();
        waiting.add(next.resolve);
        signal.addEventListener("abort", () => next.resolve(), { once: true });
        yield [...instances.values()].filter((instance) => instance.service === service);
        await next.promise;
        waiting.delete(next.resolve);
      }
    },
    list: async () => [...instances.values()],
  };
}

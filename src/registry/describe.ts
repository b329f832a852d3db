/** What a service tells of its endpoints: those of its own that answer, and its subscriptions, as Go Micro's server tells them. */
import type { Service } from "../service/service.ts";
import type { InstanceEndpoint } from "./registry.ts";

/** @param subscriptions topics */
export function describeEndpoints(service: Service, subscriptions: readonly string[]): InstanceEndpoint[] {
  const own = new Map<string, InstanceEndpoint>();
  for (const { method, handler, internal } of service.endpoints) {
    const name = `${method.service.slice(method.service.lastIndexOf(".") + 1)}.${method.name}`;
    // Where packages differ only, the first one answers Go Micro's callers.
    if (internal || handler === undefined || own.has(name)) continue;
    own.set(name, {
      name,
      request: method.request.shape?.() ?? null,
      response: method.response.shape?.() ?? null,
      metadata: method.requestStream || method.responseStream ? { stream: "true" } : {},
    });
  }
  const subscribers = subscriptions.toSorted().map((topic) => ({
    name: "Func",
    request: null,
    response: null,
    metadata: { subscriber: "true", topic },
  }));
  return [...own.values()].sort((a, b) => (a.name < b.name ? -1 : 1)).concat(subscribers);
}

/** Topics, as the registry tells of who subscribed by HTTP: a node of Go Micro's for each subscription. */
import type { Instance } from "../../registry/registry.ts";

/** Those that somebody subscribed to, each once, in order. */
export function topicsOf(instances: readonly Instance[]): string[] {
  const subscribers = instances.filter(({ metadata }) => metadata.broker === "http");
  return [...new Set(subscribers.flatMap(({ metadata }) => metadata.topic || []))].sort();
}

export function hasSubscriber(instances: readonly Instance[], topic: string): boolean {
  return topicsOf(instances).includes(topic);
}

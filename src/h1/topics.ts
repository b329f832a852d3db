/** Who has subscribed to what among the WebSockets of a server. */

export interface Subscriber {
  deliver(message: string | Uint8Array): void;
}

export interface Topics {
  add(topic: string, subscriber: Subscriber): void;
  remove(topic: string, subscriber: Subscriber): void;
  /** @param except is told nothing @returns how many were told */
  publish(topic: string, message: string | Uint8Array, except?: Subscriber): number;
}

export function createTopics(): Topics {
  const topics = new Map<string, Set<Subscriber>>();
  return {
    add(topic, subscriber) {
      const subscribers = topics.get(topic) ?? new Set();
      topics.set(topic, subscribers.add(subscriber));
    },
    remove(topic, subscriber) {
      const subscribers = topics.get(topic);
      subscribers?.delete(subscriber);
      if (subscribers?.size === 0) topics.delete(topic);
    },
    publish(topic, message, except) {
      let told = 0;
      for (const subscriber of topics.get(topic) ?? []) {
        if (subscriber === except) continue;
        subscriber.deliver(message);
        told++;
      }
      return told;
    },
  };
}

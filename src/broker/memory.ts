/** Events inside one process: at most once, in the order published, to those subscribed at the time. */
import { MicrorunError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Broker, Message, MessageHandler } from "./broker.ts";

interface Subscription {
  readonly queue: string | undefined;
  readonly handler: MessageHandler;
}

export function memoryBroker(log: Log): Broker {
  const topics = new Map<string, Set<Subscription>>();

  const deliver = async ({ handler }: Subscription, payload: unknown, message: Message): Promise<void> => {
    try {
      await handler(payload, message);
    } catch (error) {
      log.error(`subscriber of ${message.topic} failed`, { error });
    }
  };

  return {
    name: "memory",
    async publish(topic, payload, options = {}) {
      if (topic === "") throw new MicrorunError("invalid_argument", "publish: the topic is empty");
      const bytes = payload instanceof Uint8Array;
      const header = {
        ...options.metadata,
        "Content-Type": bytes ? "application/octet-stream" : "application/json",
        "Micro-Topic": topic,
      };
      const text = bytes ? undefined : JSON.stringify(payload ?? null);
      const message: Message = { topic, header, body: bytes ? payload : new TextEncoder().encode(text) };
      const subscriptions = recipients([...(topics.get(topic) ?? [])]);
      // each subscriber gets a value of its own, as over a wire
      for (const subscription of subscriptions)
        void deliver(subscription, text === undefined ? payload : JSON.parse(text), message);
    },
    async subscribe(topic, handler, options = {}) {
      const subscription: Subscription = { queue: options.queue, handler };
      const all = topics.get(topic) ?? new Set();
      topics.set(topic, all.add(subscription));
      return {
        async [Symbol.asyncDispose]() {
          all.delete(subscription);
          if (all.size === 0) topics.delete(topic);
        },
      };
    },
  };
}

/** All that named no queue, and one of each queue. */
function recipients(subscriptions: readonly Subscription[]): Subscription[] {
  const queues = Map.groupBy(
    subscriptions.filter((one) => one.queue !== undefined),
    (one) => one.queue,
  );
  const drawn = [...queues.values()].map((members) => members[Math.floor(Math.random() * members.length)]!);
  return [...subscriptions.filter((one) => one.queue === undefined), ...drawn];
}

/** Who subscribed to what by HTTP, as the registry tells it in Go Micro v5's form: a node of one service for each subscription. */
import { errorText } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Instance, Registry } from "../registry/registry.ts";
import { pause } from "../wait.ts";

/** The service that all subscriptions are nodes of. */
export const brokerService = "micro.http.broker";
/** In place of a queue: every node gets the message. */
const broadcast = "ff.http.broadcast";
/** How long the first message waits until the registry has told who is there, ms. */
const firstAnswerMs = 2000;
/** Characters of a topic in its nodes' ids: a DNS label has to hold them. */
const maxShownTopic = 24;

export interface Subscriber {
  readonly id: string;
  readonly address: string;
  readonly topic: string;
  /** Undefined: it gets every message. */
  readonly queue: string | undefined;
  /** It answers by TLS. */
  readonly secure: boolean;
}

export interface Directory extends Disposable {
  subscribers(topic: string): readonly Subscriber[];
  /** Resolves when the registry has told for the first time, or does not in time. */
  ready(): Promise<void>;
}

/** @param changed called after each change */
export function openDirectory(registry: Registry, log: Log, changed: () => void): Directory {
  const end = new AbortController();
  let topics = new Map<string, readonly Subscriber[]>();
  let watching: Promise<void> | undefined;

  async function watch(told: () => void): Promise<void> {
    try {
      // a message goes to those of the first snapshot alone: one subscriber's answer is not enough
      for await (const instances of registry.watch(brokerService, end.signal, { everybody: true })) {
        topics = Map.groupBy(instances.flatMap(readSubscriber), ({ topic }) => topic);
        told();
        changed();
      }
    } catch (error) {
      log.error(`subscribers are not found: ${errorText(error)}`);
    }
    told();
  }

  return {
    subscribers: (topic) => topics.get(topic) ?? [],
    ready() {
      watching ??= new Promise<void>((resolve) => {
        void watch(resolve);
        void pause(firstAnswerMs, end.signal).then(resolve);
      });
      return watching;
    },
    [Symbol.dispose]: () => end.abort(),
  };
}

/** The node of one subscription. Two of one process, to one topic, differ by their ids. */
export function subscriberInstance(topic: string, queue: string | undefined, address: string): Instance {
  const shown = topic
    .slice(0, maxShownTopic)
    .replace(/[^\w.-]/g, "_")
    .replace(/\.+/g, ".");
  return {
    id: `${shown.replace(/^\.|\.$/g, "_")}-${crypto.randomUUID()}`,
    service: brokerService,
    version: queue ?? broadcast,
    address,
    // the queue is told twice: a Pod has one version for all nodes of a service
    metadata: { broker: "http", queue: queue ?? "", secure: "false", topic },
  };
}

function readSubscriber({ id, address, version, metadata }: Instance): Subscriber[] {
  const { broker, topic, secure, queue = version === broadcast ? "" : version } = metadata;
  if (broker !== "http" || !topic) return [];
  return [{ id, address, topic, queue: queue === "" ? undefined : queue, secure: secure === "true" }];
}

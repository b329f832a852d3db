/** Events from process to process by HTTP, Go Micro v5's way: each subscription is a node in the registry, which publishers post to. */
import type { Fetch } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Registry } from "../registry/registry.ts";
import type { Server } from "../transport/transport.ts";
import type { OpenBroker } from "./broker.ts";
import { type CarriedOptions, carriedBroker } from "./carried.ts";
import type { Carrier, Intake } from "./carrier.ts";
import { writeEnvelope } from "./envelope.ts";
import { openDirectory, type Subscriber, subscriberInstance } from "./http-directory.ts";
import { type Lane, openLane } from "./http-lane.ts";
import { post } from "./http-post.ts";
import { httpReceiver } from "./http-receiver.ts";

/** How long a queue that has no subscriber left is remembered, as Go Micro's registrations are, ms. */
export const rememberedMs = 60_000;

export interface HttpBrokerOptions extends CarriedOptions {
  readonly registry: Registry;
  /** Opens the port, at the first subscription. @throws MicrorunError as `listenError` */
  readonly listen: (fetch: Fetch) => Promise<Server>;
  /** The address that others reach a listening one by. */
  readonly advertise: (listening: string) => string;
  readonly maxMessageBytes: number;
  readonly drainTimeoutMs: number;
}

/** Opens a port when something subscribes, watches the registry when something is published, and else does nothing. */
export function httpBroker(options: HttpBrokerOptions): OpenBroker {
  return carriedBroker(httpCarrier(options), options);
}

interface Known {
  readonly lane: Lane;
  readonly topic: string;
  /** When nobody was left to take its messages. */
  lonelySince: number | undefined;
}

function httpCarrier(options: HttpBrokerOptions): Carrier {
  const { registry, log, drainTimeoutMs } = options;
  const receiver = httpReceiver(options.maxMessageBytes);
  const directory = openDirectory(registry, log, () => lanes.changed());
  const lanes = openLanes(directory.subscribers, drainTimeoutMs, log);
  let listening: Promise<Server> | undefined;

  let told = false;

  /** In a cluster that is the usual one, as it asks nothing of the API server. */
  function warnOfSolitude(): void {
    if (told || registry.name !== "memory") return;
    told = true;
    log.warn("events reach this process alone: its registry is memory", {
      hint: "use a --registry that others see, or --broker=nats",
    });
  }

  async function receive(topic: string, queue: string | undefined, intake: Intake): Promise<AsyncDisposable> {
    warnOfSolitude();
    listening ??= options.listen(receiver.fetch);
    const { address } = await listening.catch((error) => {
      listening = undefined;
      throw error;
    });
    await using begun = new AsyncDisposableStack();
    const instance = subscriberInstance(topic, queue, options.advertise(address));
    begun.use(receiver.add({ id: instance.id, topic, queue }, intake));
    // taken back first: who looks it up now posts elsewhere
    begun.use(await registry.register(instance));
    return begun.move();
  }

  return {
    name: "http",
    redelivers: false,
    receive,
    async send(letter) {
      warnOfSolitude();
      await directory.ready();
      const body = writeEnvelope(letter);
      await Promise.all(lanes.of(letter.topic).map((lane) => lane.offer(body)));
    },
    async [Symbol.asyncDispose]() {
      await lanes[Symbol.asyncDispose]();
      directory[Symbol.dispose]();
      await (await listening?.catch(() => undefined))?.[Symbol.asyncDispose]();
    },
  };
}

interface Lanes extends AsyncDisposable {
  /** One for each queue, one for each subscriber without. */
  of(topic: string): readonly Lane[];
  changed(): void;
}

function openLanes(
  subscribers: (topic: string) => readonly Subscriber[],
  drainTimeoutMs: number,
  log: Log,
): Lanes {
  const known = new Map<string, Known>();
  const end = new AbortController();

  function open(topic: string, { id, queue }: Subscriber): Known {
    const mine = (one: Subscriber): boolean => (queue === undefined ? one.id === id : one.queue === queue);
    const lane = openLane({
      title: queue === undefined ? topic : `${topic} (queue ${queue})`,
      targets: () => subscribers(topic).filter(mine),
      post: (to, body) => post(to, body, end.signal),
      log,
    });
    return { lane, topic, lonelySince: undefined };
  }

  /** What nobody is left for is given up: at once where it was for one, else when its queue is forgotten. */
  function sweep(): void {
    for (const [key, one] of known) {
      const wanted = subscribers(one.topic).some((subscriber) => keyOf(subscriber) === key);
      one.lonelySince = wanted ? undefined : (one.lonelySince ?? Date.now());
      const patience = key.startsWith("queue ") ? rememberedMs : 0;
      if (one.lonelySince === undefined || Date.now() - one.lonelySince < patience) continue;
      known.delete(key);
      void one.lane.close(0);
    }
  }

  return {
    of(topic) {
      if (end.signal.aborted)
        throw new MicrorunError("unavailable", `publish to ${topic}: the service is stopping`);
      sweep();
      for (const subscriber of subscribers(topic)) {
        const key = keyOf(subscriber);
        if (!known.has(key)) known.set(key, open(topic, subscriber));
      }
      return [...known.values()].filter((one) => one.topic === topic).map(({ lane }) => lane);
    },
    changed() {
      sweep();
      for (const { lane } of known.values()) lane.wake();
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...known.values()].map(({ lane }) => lane.close(drainTimeoutMs)));
      end.abort();
    },
  };
}

function keyOf({ id, topic, queue }: Subscriber): string {
  return queue === undefined ? `node ${id}` : `queue ${JSON.stringify([topic, queue])}`;
}

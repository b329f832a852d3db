/** Events inside one process: at most once, in the order published, to those subscribed at the time. */
import { MicrorunError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { OpenBroker } from "./broker.ts";
import { type CarriedOptions, carriedBroker } from "./carried.ts";
import { type Carrier, type Intake, maxRoomMs } from "./carrier.ts";

interface Subscription {
  readonly queue: string | undefined;
  readonly intake: Intake;
}

export function memoryBroker(log: Log, options: Omit<CarriedOptions, "log"> = {}): OpenBroker {
  return carriedBroker(memoryCarrier(), { ...options, log });
}

function memoryCarrier(): Carrier {
  const topics = new Map<string, Set<Subscription>>();
  return {
    name: "memory",
    redelivers: false,
    async send(letter) {
      const late: unknown[] = [];
      for (const { intake } of recipients([...(topics.get(letter.topic) ?? [])])) {
        // each gets bytes of its own, as over a wire
        const own = { ...letter, header: { ...letter.header }, body: letter.body.slice() };
        if (!intake.full) void intake.take(own);
        else late.push(intake.room(maxRoomMs).then((room) => (room ? void intake.take(own) : "none")));
      }
      if (late.length === 0 || !(await Promise.all(late)).includes("none")) return;
      throw new MicrorunError(
        "resource_exhausted",
        `publish to ${letter.topic}: a subscriber is far behind and does not get it`,
      );
    },
    async receive(topic, queue, intake) {
      const subscription: Subscription = { queue, intake };
      const all = topics.get(topic) ?? new Set();
      topics.set(topic, all.add(subscription));
      return {
        async [Symbol.asyncDispose]() {
          all.delete(subscription);
          if (all.size === 0) topics.delete(topic);
        },
      };
    },
    async [Symbol.asyncDispose]() {
      topics.clear();
    },
  };
}

/** All that named no queue, and one of each queue: one that has room, if any. */
function recipients(subscriptions: readonly Subscription[]): Subscription[] {
  const queues = Map.groupBy(
    subscriptions.filter((one) => one.queue !== undefined),
    (one) => one.queue,
  );
  const drawn = [...queues.values()].map((members) => {
    const ready = members.filter(({ intake }) => !intake.full);
    const among = ready.length > 0 ? ready : members;
    return among[Math.floor(Math.random() * among.length)]!;
  });
  return [...subscriptions.filter((one) => one.queue === undefined), ...drawn];
}

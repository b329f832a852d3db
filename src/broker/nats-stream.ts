/** Events over JetStream, at least once: kept in a stream until the one consumer of each topic and queue has handled them. */
import { createHash } from "node:crypto";
import { AckPolicy, DeliverPolicy, type JsMsg, jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { errorText } from "../errors.ts";
import type { Log } from "../log.ts";
import { pause } from "../wait.ts";
import type { Carrier, Intake } from "./carrier.ts";
import { firstAnswerMs, type NatsLink } from "./nats-link.ts";
import { checkSubject, publishError, readNatsMessage, writeNatsMessage } from "./nats-message.ts";
import { ensureSubject } from "./nats-subjects.ts";

/** How long a publish is tried until the server has stored it, ms. */
export const maxStoreMs = 15_000;
/** How long one attempt of these may take, ms. */
const storeMs = 2000;
/** Between attempts, ms. */
const restMs = 250;
/** A message whose handler's process is silent for so long is given out again, ms. */
const ackWaitMs = 15_000;
/** A consumer without a queue is forgotten when nobody has asked it for so long, ms. */
const forgottenMs = 60_000;

const nanos = (ms: number): number => ms * 1_000_000;

export function streamCarrier(link: NatsLink, stream: string, log: Log): Carrier {
  return {
    name: "nats",
    redelivers: true,
    trouble: () => link.trouble,
    async send(letter, key) {
      checkSubject(letter.topic);
      const { data, headers } = writeNatsMessage(letter);
      // what is stored already is not stored again
      const msgID = `${letter.topic} ${key ?? crypto.randomUUID()}`;
      const end = performance.now() + maxStoreMs;
      for (;;) {
        const connection = await link.connection();
        try {
          const more = headers === undefined ? {} : { headers };
          await jetstream(connection).publish(letter.topic, data, { msgID, timeout: storeMs, ...more });
          return;
        } catch (error) {
          const why = publishError(letter.topic, error);
          if (why.code !== "unavailable" || performance.now() > end) throw why;
          await ensureSubject(connection, stream, letter.topic).catch((thrown) => {
            log.debug(`stream ${stream}: ${errorText(thrown)}`);
          });
          await pause(restMs);
        }
      }
    },
    async receive(topic, queue, intake, concurrency) {
      const end = new AbortController();
      const begun = Promise.withResolvers<void>();
      const subject = { stream, topic, queue };
      const ended = consumeAlways(subject, link, intake, concurrency, end.signal, begun.resolve, log);
      await Promise.race([begun.promise, pause(firstAnswerMs, end.signal)]);
      return {
        async [Symbol.asyncDispose]() {
          end.abort();
          await ended;
        },
      };
    },
    [Symbol.asyncDispose]: () => link[Symbol.asyncDispose](),
  };
}

interface Subject {
  readonly stream: string;
  readonly topic: string;
  readonly queue: string | undefined;
}

async function consumeAlways(
  subject: Subject,
  link: NatsLink,
  intake: Intake,
  concurrency: number,
  signal: AbortSignal,
  begun: () => void,
  log: Log,
): Promise<void> {
  let complaint = "";
  while (!signal.aborted) {
    try {
      const connection = await link.connection();
      if (signal.aborted) return;
      await consume(connection, subject, intake, concurrency, signal, () => {
        complaint = "";
        begun();
      });
    } catch (error) {
      const why = errorText(error);
      if (why !== complaint && !signal.aborted)
        log.warn(`nothing of ${subject.topic} is read from stream ${subject.stream}: ${why}`);
      complaint = why;
    }
    await pause(restMs, signal);
  }
}

async function consume(
  connection: NatsConnection,
  { stream, topic, queue }: Subject,
  intake: Intake,
  concurrency: number,
  signal: AbortSignal,
  begun: () => void,
): Promise<void> {
  await ensureSubject(connection, stream, topic);
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const { name } = await manager.consumers.add(stream, {
    ...(queue === undefined
      ? { inactive_threshold: nanos(forgottenMs) }
      : { durable_name: durableName(topic, queue) }),
    filter_subject: topic,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(ackWaitMs),
    deliver_policy: DeliverPolicy.New,
    max_deliver: -1,
  });
  const consumer = await jetstream(connection).consumers.get(stream, name);
  const messages = await consumer.consume({ max_messages: concurrency, abort_on_missing_resource: true });
  let held = 0;
  let freed = Promise.withResolvers<void>();
  const stop = (): void => {
    messages.stop();
    freed.resolve();
  };
  signal.addEventListener("abort", stop, { once: true });
  begun();
  try {
    for await (const message of messages) {
      held++;
      void handOver(message, intake, signal).finally(() => {
        held--;
        freed.resolve();
      });
      while (held >= concurrency && !signal.aborted) {
        freed = Promise.withResolvers();
        await freed.promise;
      }
    }
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

async function handOver(message: JsMsg, intake: Intake, signal: AbortSignal): Promise<void> {
  // the server is told that somebody is at work
  const working = setInterval(() => message.working(), ackWaitMs / 3);
  try {
    const letter = readNatsMessage(message.subject, message.data, message.headers);
    const outcome = signal.aborted ? "refused" : await intake.take(letter, message.info.deliveryCount);
    if (outcome === "done") message.ack();
    // the server reads whole nanoseconds, and takes a fraction for no wait at all
    else message.nak(outcome === "refused" ? 0 : Math.ceil(outcome.againMs));
  } catch {
    // without a connection it comes again by itself
  } finally {
    clearInterval(working);
  }
}

/** One for each topic and queue, whoever asks; a hash where names cannot be written out. */
function durableName(topic: string, queue: string): string {
  const plain = `${queue}__${topic}`.replace(/[^\w-]/g, "_");
  const hash = createHash("sha256")
    .update(JSON.stringify([queue, topic]))
    .digest("hex");
  return `${plain.slice(0, 100)}-${hash.slice(0, 8)}`;
}

/** A broker on a carrier: payloads and CloudEvents made and read, subscriptions checked, what is given up set aside. */
import type { MessageType } from "../call.ts";
import { errorText, MicrorunError, usageError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { OpenBroker, PublishOptions, SubscribeOptions } from "./broker.ts";
import type { Carrier, Letter } from "./carrier.ts";
import { makeCloudEvent, structuredType, writeBinary, writeStructured } from "./cloud-event.ts";
import { openDelivery } from "./delivery.ts";
import { topicHeader } from "./envelope.ts";
import { encodePayload } from "./payload.ts";
import { headerOf, keyHeader, letterHandler } from "./subscription.ts";

/** Publishes under way at once; one that awaits each never comes near it. */
export const maxPublishing = 10_000;
/** Characters of a topic. */
export const maxTopicLength = 255;

const defaultConcurrency = 16;
const defaultAckTimeoutMs = 30_000;
const defaultDrainMs = 10_000;
const defaultBackoffMs = 100;
/** Attempts where the carrier brings a message again. */
const redeliveredAttempts = 5;
const maxMessageBytes = 4 * 1024 * 1024;

export interface CarriedOptions {
  readonly log: Log;
  /** The messages of the service's `.proto` files by full name. @default none */
  readonly message?: (name: string) => MessageType | undefined;
  /** Of CloudEvents, where they name none. @default "/" */
  readonly source?: string;
  /** The largest body, bytes. @default 4194304 */
  readonly maxMessageBytes?: number;
  /** How long the end of a subscription waits for its handlers, ms. @default 10000 */
  readonly drainTimeoutMs?: number;
}

export function carriedBroker(carrier: Carrier, options: CarriedOptions): OpenBroker {
  const { log, source = "/", drainTimeoutMs = defaultDrainMs } = options;
  let publishing = 0;

  const typeOf = (type: string | MessageType | undefined, what: string): MessageType | undefined => {
    if (typeof type !== "string") return type;
    const found = options.message?.(type);
    if (found !== undefined) return found;
    throw usageError(`${what}: no protobuf message ${type}`, "name one of the service's .proto in full");
  };

  async function send(letter: Letter, key: string | undefined): Promise<void> {
    const most = options.maxMessageBytes ?? maxMessageBytes;
    if (letter.body.length > most)
      throw new MicrorunError(
        "resource_exhausted",
        `publish to ${letter.topic}: ${letter.body.length} bytes are more than ${most}`,
        { hint: "publish where it is to be found, or raise --max_message_bytes of all services" },
      );
    if (publishing >= maxPublishing)
      throw new MicrorunError("resource_exhausted", `publish: ${maxPublishing} are under way`, {
        hint: "await broker.publish(…)",
      });
    publishing++;
    try {
      await carrier.send(letter, key);
    } finally {
      publishing--;
    }
  }

  /** Whether it is set aside: what its dead-letter topic did not take comes again, where the carrier can. */
  async function setAside(letter: Letter, topic: string, error: unknown, attempts: number): Promise<boolean> {
    const header = {
      ...letter.header,
      [topicHeader]: topic,
      "Dead-Letter-Topic": letter.topic,
      "Dead-Letter-Reason": errorText(error),
      "Dead-Letter-Attempts": `${attempts}`,
    };
    try {
      // its key stands for the first of them
      const key = headerOf(letter, keyHeader);
      await send({ topic, header, body: letter.body }, key === undefined ? undefined : `dead ${key}`);
      return true;
    } catch (thrown) {
      log.error(`a message of ${letter.topic} could not be put on ${topic}`, { error: thrown });
      return !carrier.redelivers;
    }
  }

  return {
    name: carrier.name,
    trouble: () => carrier.trouble?.(),
    async publish(topic, payload, given = {}) {
      checkTopic("publish", topic);
      const type = typeOf(given.type, "publish");
      const encoded = encodePayload(payload, type, given.contentType);
      const { key } = given;
      const common = { ...given.metadata, ...(key === undefined ? {} : { [keyHeader]: key }) };
      const { header, body } = dressed(encoded, given, source);
      await send({ topic, header: { ...common, ...header, [topicHeader]: topic }, body }, key);
    },
    async subscribe(topic, handler, given = {}) {
      checkTopic("subscribe", topic);
      const concurrency = atLeastOne("concurrency", given.concurrency ?? defaultConcurrency);
      const usual = carrier.redelivers ? redeliveredAttempts : 1;
      const attempts = atLeastOne("retry.attempts", given.retry?.attempts ?? usual);
      const { deadLetter } = given;
      if (deadLetter !== undefined) checkTopic("deadLetter", deadLetter);
      if (deadLetter === topic)
        throw usageError(`subscribe: ${topic} is its own dead-letter topic`, "name another topic");
      const type = given.type === "bytes" ? "bytes" : typeOf(given.type, `subscribe to ${topic}`);
      const delivery = openDelivery({
        concurrency,
        attempts,
        backoffMs: given.retry?.backoffMs ?? defaultBackoffMs,
        redelivers: carrier.redelivers,
        handle: letterHandler({
          handler,
          type,
          manual: given.ack === "manual",
          ackTimeoutMs: given.ackTimeoutMs ?? defaultAckTimeoutMs,
        }),
        giveUp: async (letter, error, count) => {
          log.error(`subscriber of ${letter.topic} failed`, {
            error,
            ...(count > 1 ? { attempts: count } : {}),
          });
          return deadLetter === undefined || setAside(letter, deadLetter, error, count);
        },
        log,
      });
      const receiving = await carrier.receive(topic, given.queue, delivery, concurrency);
      return {
        async [Symbol.asyncDispose]() {
          await receiving[Symbol.asyncDispose]();
          await delivery.close(drainTimeoutMs);
        },
      };
    },
    [Symbol.asyncDispose]: () => carrier[Symbol.asyncDispose](),
  };
}

function dressed(
  { body, contentType }: { body: Uint8Array; contentType: string },
  { cloudEvent, key }: PublishOptions,
  source: string,
): { header: Record<string, string>; body: Uint8Array } {
  if (cloudEvent === undefined) return { header: { "Content-Type": contentType }, body };
  const event = makeCloudEvent(cloudEvent, { id: key ?? crypto.randomUUID(), source });
  if (cloudEvent.mode === "structured")
    return { header: { "Content-Type": structuredType }, body: writeStructured(event, body, contentType) };
  return { header: { ...writeBinary(event), "Content-Type": contentType }, body };
}

function checkTopic(what: string, topic: string): void {
  const why =
    topic === ""
      ? "is empty"
      : topic.length > maxTopicLength
        ? `has more than ${maxTopicLength} characters`
        : // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
          /[\s\x00-\x1f\x7f]/.test(topic)
          ? "holds blanks or control characters"
          : undefined;
  if (why !== undefined) throw new MicrorunError("invalid_argument", `${what}: the topic ${why}`);
}

function atLeastOne(what: keyof SubscribeOptions | "retry.attempts", value: number): number {
  if (Number.isInteger(value) && value >= 1) return value;
  throw usageError(`subscribe: ${what} is ${value}`, `make ${what} a whole number from 1`);
}

/** A broker whose messages are also told to who inspects: topic, size and header, of the payload no more than may be told. */
import type { Broker, Message, MessageHandler, OpenBroker } from "../broker/broker.ts";
import { errorText } from "../errors.ts";
import { createFeed, type Feed } from "../feed.ts";
import { redacted } from "../log-line.ts";
import type { SeenEvent } from "./inspect.ts";

/** How many messages are kept. */
const maxEvents = 256;
/** What is told of a payload, in bytes. */
const maxBody = 1024;
/** Header fields told of a message, and of each value so many characters. */
const maxFields = 32;
const maxValue = 256;

export interface WatchedBroker {
  readonly broker: OpenBroker;
  readonly events: Feed<SeenEvent>;
}

export interface WatchOptions {
  /** Payloads may be told. */
  readonly bodies: boolean;
  /** Told of each message. */
  readonly seen: (event: SeenEvent) => void;
}

export function watchBroker(broker: OpenBroker, { bodies, seen }: WatchOptions): WatchedBroker {
  const events = createFeed<SeenEvent>(maxEvents);
  const tell = (event: SeenEvent): void => {
    events.push(event);
    seen(event);
  };
  const publish: Broker["publish"] = async (topic, payload, options) => {
    const bytes = bytesOf(payload);
    const event = {
      ...({ time: Date.now(), direction: "published", topic } as const),
      ...{ header: told(options?.metadata ?? {}), size: bytes.length },
      ...(bodies ? { body: textOf(bytes) } : {}),
    };
    try {
      await broker.publish(topic, payload, options);
      tell(event);
    } catch (error) {
      tell({ ...event, error: errorText(error) });
      throw error;
    }
  };
  const watched =
    (handler: MessageHandler): MessageHandler =>
    async (payload, message) => {
      const event = received(message, bodies);
      try {
        const result: unknown = await handler(payload, message);
        tell(event);
        return result;
      } catch (error) {
        tell({ ...event, error: errorText(error) });
        throw error;
      }
    };
  return {
    events,
    broker: {
      name: broker.name,
      publish,
      subscribe: (topic, handler, options) => broker.subscribe(topic, watched(handler), options),
      trouble: () => broker.trouble(),
      [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
    },
  };
}

function received({ topic, header, body }: Message, bodies: boolean): SeenEvent {
  return {
    ...{ time: Date.now(), direction: "received", topic, header: told(header), size: body.length },
    ...(bodies ? { body: textOf(body) } : {}),
  };
}

/** Without tokens and passwords, as in a log. */
function told(header: Readonly<Record<string, string>>): Record<string, string> {
  const fields = Object.entries(redacted(header)).slice(0, maxFields);
  return Object.fromEntries(fields.map(([key, value]) => [key, String(value).slice(0, maxValue)]));
}

/** Of a payload that is sent by a protobuf type its JSON: near enough to be looked at. */
function bytesOf(payload: unknown): Uint8Array {
  if (payload instanceof Uint8Array) return payload;
  try {
    const plain = (_: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);
    return new TextEncoder().encode(JSON.stringify(payload, plain) ?? "");
  } catch {
    return new Uint8Array();
  }
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes.subarray(0, maxBody));
}

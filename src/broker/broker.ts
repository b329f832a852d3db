/** Events: published to a topic, handled by whoever subscribed. */
import type { MessageType } from "../call.ts";

/** The context attributes of a CloudEvent 1.0, extensions among them. */
export interface CloudEvent {
  /** With `source`, unique to the event. */
  readonly id: string;
  readonly source: string;
  /** `com.example.order.created` */
  readonly type: string;
  readonly subject?: string;
  /** RFC 3339. */
  readonly time?: string;
  readonly dataschema?: string;
  readonly [extension: string]: string | number | boolean | undefined;
}

export interface Message {
  readonly topic: string;
  /** `Content-Type` says how `body` is encoded. */
  readonly header: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** The publisher's idempotency key, else what tells a CloudEvent from all others. Absent: it bears neither. */
  readonly key?: string;
  /** 1, then one more each time it was handled in vain. */
  readonly attempt: number;
  /** Absent: it is no CloudEvent. */
  readonly event?: CloudEvent;
  /** Aborted when a stop waits for the handler no longer. */
  readonly signal: AbortSignal;
  /** It is handled, where the subscription's `ack` is `manual`; else that is said by the handler's return. */
  ack(): void;
  /** It is handled in vain, as if the handler had thrown. */
  nack(reason?: string): void;
}

// biome-ignore lint/suspicious/noExplicitAny: the payload's type is the user's
export type MessageHandler = (payload: any, message: Message) => unknown;

export interface CloudEventOptions {
  /** Attributes as `ce-` headers beside the payload, or one JSON document of both. @default "binary" */
  readonly mode?: "binary" | "structured";
  readonly type: string;
  /** @default "/" and the service's name */
  readonly source?: string;
  /** @default the idempotency key, else a UUID */
  readonly id?: string;
  readonly subject?: string;
  /** @default now */
  readonly time?: Date | string;
  readonly dataschema?: string;
  /** Names of small letters and digits. */
  readonly extensions?: Readonly<Record<string, string | number | boolean>>;
}

export interface PublishOptions {
  readonly metadata?: Readonly<Record<string, string>>;
  /** Idempotency key: of messages with the same one a subscriber handles the first alone. @default none */
  readonly key?: string;
  /** The payload's protobuf message: a full name of the service's `.proto`. @default JSON, or bytes as they are */
  readonly type?: string | MessageType;
  /** @default `application/json`, of bytes `application/octet-stream`, with a `type` `application/grpc+proto` */
  readonly contentType?: string;
  /** @default a message of Go Micro's */
  readonly cloudEvent?: CloudEventOptions;
}

export interface RetryOptions {
  /** How often a message is handled at most. @default 1; where the broker gives it out again, 5 */
  readonly attempts?: number;
  /** Before the second attempt, in ms; then twice as long each time, at most 30000. @default 100 */
  readonly backoffMs?: number;
}

export interface SubscribeOptions {
  /** Of all subscribers that name the same queue, one gets each message. @default every subscriber gets it */
  readonly queue?: string;
  /** Handlers at work at once; 1 keeps the order. @default 16 */
  readonly concurrency?: number;
  /** `auto`: handled when the handler returns. `manual`: when it calls `message.ack()`. @default "auto" */
  readonly ack?: "auto" | "manual";
  /** How long `manual` waits for it after the handler returned, in ms. @default 30000 */
  readonly ackTimeoutMs?: number;
  readonly retry?: RetryOptions;
  /** Gets what could not be read or was handled in vain. @default a line in the log */
  readonly deadLetter?: string;
  /** The protobuf message that the payload is: a full name of the service's `.proto`; `bytes`: the body as it is. @default as Content-Type says */
  readonly type?: string | MessageType;
}

export interface Broker {
  /** `memory`, `http`, `nats` */
  readonly name: string;
  /**
   * Resolves when the broker has taken it over.
   * @throws MicrorunError `invalid_argument` for what cannot be sent, `resource_exhausted` where subscribers are far behind,
   * `unavailable` where the broker cannot be reached
   */
  publish(topic: string, payload: unknown, options?: PublishOptions): Promise<void>;
  /** Disposing it takes no more messages and waits for those under way. @throws MicrorunError `invalid_argument` */
  subscribe(topic: string, handler: MessageHandler, options?: SubscribeOptions): Promise<AsyncDisposable>;
}

/** A broker and what it keeps open. */
export interface OpenBroker extends Broker, AsyncDisposable {
  /** What is wrong now, for people. Undefined: nothing that it knows of. */
  trouble(): string | undefined;
}

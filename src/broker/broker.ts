/** Events: published to a topic, handled by whoever subscribed. */

export interface Message {
  readonly topic: string;
  /** `Content-Type` says how `body` is encoded. */
  readonly header: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

// biome-ignore lint/suspicious/noExplicitAny: the payload's type is the user's
export type MessageHandler = (payload: any, message: Message) => unknown;

export interface SubscribeOptions {
  /** Of all subscribers that name the same queue, one gets each message. @default every subscriber gets it */
  readonly queue?: string;
}

export interface Broker {
  readonly name: string;
  /** JSON payload, or bytes as they are (`application/octet-stream`). */
  publish(topic: string, payload: unknown, options?: { metadata?: Record<string, string> }): Promise<void>;
  subscribe(topic: string, handler: MessageHandler, options?: SubscribeOptions): Promise<AsyncDisposable>;
}

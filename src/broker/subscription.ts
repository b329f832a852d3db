/** One message and one handler: the payload is read, a repeated message left out, and the handler's answer waited for. */
import type { MessageType } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { within } from "../wait.ts";
import type { Message, MessageHandler } from "./broker.ts";
import type { Letter } from "./carrier.ts";
import { readCloudEvent } from "./cloud-event.ts";
import { decodePayload, emptyPayload } from "./payload.ts";
import { seenKeys } from "./seen-keys.ts";

export const keyHeader = "Idempotency-Key";

export interface SubscriptionOptions {
  readonly handler: MessageHandler;
  readonly type: MessageType | "bytes" | undefined;
  readonly manual: boolean;
  /** How long a manual one may take after the handler returned, ms. */
  readonly ackTimeoutMs: number;
}

/** Handles a letter once. @throws UnreadableError, or what the handler throws */
export function letterHandler(
  options: SubscriptionOptions,
): (letter: Letter, attempt: number, signal: AbortSignal) => Promise<void> {
  const seen = seenKeys();
  return async (letter, attempt, signal) => {
    const { payload, message, answer } = open(letter, attempt, signal, options);
    if (message.key !== undefined && !seen.add(message.key)) return;
    try {
      await options.handler(payload, message);
      if (options.manual) await within(options.ackTimeoutMs, `ack of ${letter.topic}`, answer.promise);
      else answer.resolve();
      await answer.promise;
    } catch (error) {
      if (message.key !== undefined) seen.remove(message.key);
      throw error;
    }
  };
}

/** The value of a header, whatever its case. */
export function headerOf({ header }: Pick<Letter, "header">, name: string): string | undefined {
  if (header[name] !== undefined) return header[name];
  const lower = name.toLowerCase();
  return Object.entries(header).find(([key]) => key.toLowerCase() === lower)?.[1];
}

function open(
  letter: Letter,
  attempt: number,
  signal: AbortSignal,
  { type }: SubscriptionOptions,
): { payload: unknown; message: Message; answer: PromiseWithResolvers<void> } {
  const written = headerOf(letter, "Content-Type");
  const opened = readCloudEvent(letter, written);
  const { body, contentType } = opened ?? { body: letter.body, contentType: written };
  const event = opened?.event;
  const key =
    headerOf(letter, keyHeader) ?? (event === undefined ? undefined : `${event.source} ${event.id}`);
  const answer = Promise.withResolvers<void>();
  // it may be refused before anybody waits for it
  answer.promise.catch(() => {});
  const message: Message = {
    topic: letter.topic,
    header: letter.header,
    body,
    attempt,
    signal,
    ...(key === undefined ? {} : { key }),
    ...(event === undefined ? {} : { event }),
    ack: () => answer.resolve(),
    nack: (reason = "nack") =>
      answer.reject(new MicrorunError("aborted", `refused by its handler: ${reason}`)),
  };
  const isEmpty = event !== undefined && body.length === 0;
  return { payload: isEmpty ? emptyPayload(type) : decodePayload(body, contentType, type), message, answer };
}

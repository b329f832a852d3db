/** Calls made from a page: the replies as they come, and messages added while the call is open. */
import { isMetadataValue, type Method } from "../call.ts";
import type { CallOptions, Client } from "../client/client.ts";
import { MicrorunError, usageError } from "../errors.ts";

export interface WantedCall {
  readonly service: string;
  readonly method: Method;
  /** `host:port` of an instance. @default as the selector picks */
  readonly address?: string;
  /** As JSON has it; of a stream of requests the first. */
  readonly message: unknown;
  readonly metadata: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

export type CallEvent =
  /** More messages may be added under this name. */
  | { readonly kind: "open"; readonly id: string }
  | { readonly kind: "reply"; readonly value: unknown; readonly ms: number }
  | { readonly kind: "end"; readonly replies: number; readonly ms: number }
  | { readonly kind: "error"; readonly code: string; readonly message: string; readonly ms: number };

export interface CallDesk {
  /** Ends with `end` or `error`. */
  open(call: WantedCall, signal: AbortSignal): AsyncGenerator<CallEvent>;
  /** @returns whether such a call is open @throws MicrorunError `resource_exhausted` */
  add(id: string, message: unknown): boolean;
  /** No more messages. @returns whether such a call was open */
  finish(id: string): boolean;
}

/** Calls at a time, and messages of one that wait to be sent. */
const maxOpen = 32;
const maxWaiting = 100;

interface Requests {
  readonly waiting: unknown[];
  ended: boolean;
  wake: () => void;
}

export function createCallDesk(client: Client): CallDesk {
  const open = new Map<string, Requests>();
  let under = 0;
  return {
    async *open(call, signal) {
      const from = performance.now();
      const ms = (): number => Math.round((performance.now() - from) * 100) / 100;
      const requests: Requests = { waiting: [call.message], ended: false, wake: () => {} };
      const id = crypto.randomUUID();
      const { requestStream, responseStream } = call.method;
      under++;
      try {
        if (under > maxOpen)
          throw new MicrorunError("resource_exhausted", `${maxOpen} calls are open`, {
            hint: "stop one of them",
          });
        if (requestStream) {
          open.set(id, requests);
          yield { kind: "open", id };
        }
        const request = requestStream ? sent(requests, signal) : call.message;
        const endpoint = `${call.method.service}.${call.method.name}`;
        const options: CallOptions = { ...how(call), signal };
        let replies = 0;
        if (!responseStream) {
          yield {
            kind: "reply",
            value: await client.call(call.service, endpoint, request, options),
            ms: ms(),
          };
          replies = 1;
        } else
          for await (const value of client.stream(call.service, endpoint, request, options)) {
            replies++;
            yield { kind: "reply", value, ms: ms() };
          }
        yield { kind: "end", replies, ms: ms() };
      } catch (error) {
        const { code, message } = MicrorunError.from(error);
        yield { kind: "error", code, message, ms: ms() };
      } finally {
        under--;
        open.delete(id);
        requests.ended = true;
        requests.wake();
      }
    },
    add(id, message) {
      const requests = open.get(id);
      if (requests === undefined || requests.ended) return false;
      if (requests.waiting.length >= maxWaiting)
        throw new MicrorunError("resource_exhausted", `${maxWaiting} messages wait to be sent`);
      requests.waiting.push(message);
      requests.wake();
      return true;
    },
    finish(id) {
      const requests = open.get(id);
      if (requests === undefined) return false;
      requests.ended = true;
      requests.wake();
      return true;
    },
  };
}

async function* sent(requests: Requests, signal: AbortSignal): AsyncGenerator<unknown> {
  const wake = (): void => requests.wake();
  signal.addEventListener("abort", wake);
  try {
    for (;;) {
      yield* requests.waiting.splice(0);
      if (requests.ended || signal.aborted) return;
      await new Promise<void>((resolve) => {
        requests.wake = resolve;
        if (requests.waiting.length > 0 || requests.ended || signal.aborted) resolve();
      });
    }
  } finally {
    signal.removeEventListener("abort", wake);
  }
}

function how({ method, address, metadata, timeoutMs }: WantedCall): CallOptions {
  const streams = method.requestStream || method.responseStream;
  return {
    type: method,
    metadata: checked(metadata),
    ...(address === undefined ? {} : { address }),
    // a stream may go on for as long as both sides like, unless a time was named
    ...(streams && timeoutMs === 0 ? {} : { timeoutMs: timeoutMs || usualMs }),
  };
}

const usualMs = 10_000;

function checked(metadata: Readonly<Record<string, string>>): Record<string, string> {
  for (const [key, value] of Object.entries(metadata)) {
    if (!/^[0-9a-z_.-]+$/.test(key))
      throw usageError(`metadata ${JSON.stringify(key)}: not a key`, "use small letters, digits and - _ .");
    if (!isMetadataValue(key, value))
      throw usageError(`metadata ${key}: not a value that gRPC carries`, "use printable ASCII");
  }
  return { ...metadata };
}

/** A call over a WebSocket: each text is a message, in JSON; an empty one ends the caller's stream, the call's end the connection. */
import type { Method } from "../call.ts";
import type { Client } from "../client/client.ts";
import { MicrorunError } from "../errors.ts";
import type { WebSocketConnection, WebSocketHandler } from "../web-socket.ts";
import { microErrorOf } from "./failure.ts";
import type { Bodies, Names } from "./gateway.ts";
import { askedOf, type Content } from "./request-message.ts";
import type { RpcTarget } from "./rpc-path.ts";

export interface SessionOptions {
  readonly target: RpcTarget;
  readonly names: Names;
  /** Undefined: the service tells nothing of itself. */
  readonly method: Method | undefined;
  /** The request of a method that takes one, where there are any. */
  readonly fields: URLSearchParams;
  readonly bodies: Bodies;
  readonly maxMessageBytes: number;
  readonly client: (signal: AbortSignal) => Client;
}

export interface Session {
  open(socket: WebSocketConnection): void;
  message(socket: WebSocketConnection, text: unknown): void;
  drain(): void;
  close(code: number, reason: string): void;
}

/** Messages that wait for the service to take them: a caller that sends more is cut off. */
const maxWaiting = 256;
/** What may wait for the caller to read, in bytes, before the service waits. */
const maxUnsentBytes = 65_536;
/** Of a close frame's reason, in bytes. */
const maxReasonBytes = 123;

const closing = { normal: 1000, unsupported: 1003, tooLarge: 1009, again: 1013 } as const;

export const sessions: WebSocketHandler = {
  open: (socket: WebSocketConnection) => (socket.data as Session).open(socket),
  message: (socket: WebSocketConnection, text: unknown) => (socket.data as Session).message(socket, text),
  drain: (socket: WebSocketConnection) => (socket.data as Session).drain(),
  close: (socket: WebSocketConnection, code: number, reason: string) =>
    (socket.data as Session).close(code, reason),
};

export function createSession(options: SessionOptions): Session {
  const { target, names, method, fields, bodies, maxMessageBytes, client } = options;
  const left = new AbortController();
  const requests = createQueue();
  let room: (() => void) | undefined;

  const asked = (content: Content) => askedOf(content, names, method, bodies);

  const run = async (socket: WebSocketConnection): Promise<void> => {
    try {
      for await (const reply of client(left.signal).stream(...(await begin()))) {
        const text =
          method === undefined ? new TextDecoder().decode(reply as Uint8Array) : JSON.stringify(reply);
        socket.sendText(text);
        if (socket.getBufferedAmount() > maxUnsentBytes)
          await new Promise<void>((resolve) => {
            room = resolve;
          });
      }
      socket.close(closing.normal);
    } catch (thrown) {
      const { code, detail } = microErrorOf(thrown);
      if (!left.signal.aborted) socket.close(4000 + (code % 1000), reason(detail));
    }
  };

  const begin = async (): Promise<Parameters<Client["stream"]>> => {
    const streams = method?.requestStream ?? true;
    const given: Content = { kind: "fields", fields };
    if (streams) {
      const { method: plain } = asked(given);
      const type = { ...plain, requestStream: true, responseStream: method?.responseStream ?? true };
      return [target.service, `${type.service}.${type.name}`, each(), { type }];
    }
    const one = fields.size > 0 ? given : await only();
    const { method: type, request } = asked(one);
    return [target.service, `${type.service}.${type.name}`, request, { type }];
  };
  const only = async (): Promise<Content> => {
    const { done, value } = await requests.next();
    return done ? { kind: "fields", fields } : { kind: "json", bytes: value };
  };
  async function* each(): AsyncGenerator<unknown> {
    for (let next = await requests.next(); !next.done; next = await requests.next())
      yield asked({ kind: "json", bytes: next.value }).request;
  }

  return {
    open: (socket) => void run(socket),
    message(socket, text) {
      if (typeof text !== "string") socket.close(closing.unsupported, "send JSON as text");
      else if (text === "") requests.end();
      else if (Buffer.byteLength(text) > maxMessageBytes) socket.close(closing.tooLarge, "too large");
      else if (!requests.push(Buffer.from(text))) socket.close(closing.again, "sent faster than it is taken");
    },
    drain: () => room?.(),
    close() {
      left.abort(new MicrorunError("cancelled", "the caller left"));
      requests.end();
      room?.();
    },
  };
}

interface Queue {
  /** False: it is full. */
  push(bytes: Uint8Array): boolean;
  end(): void;
  next(): Promise<IteratorResult<Uint8Array, undefined>>;
}

function createQueue(): Queue {
  const waiting: Uint8Array[] = [];
  let ended = false;
  let wake: (() => void) | undefined;
  return {
    push(bytes) {
      if (ended) return true;
      if (waiting.length >= maxWaiting) return false;
      waiting.push(bytes);
      wake?.();
      return true;
    },
    end() {
      ended = true;
      wake?.();
    },
    async next() {
      while (waiting.length === 0 && !ended)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      const value = waiting.shift();
      return value === undefined ? { done: true, value: undefined } : { done: false, value };
    },
  };
}

function reason(text: string): string {
  let cut = text;
  while (Buffer.byteLength(cut) > maxReasonBytes) cut = cut.slice(0, -1);
  return cut.toWellFormed();
}

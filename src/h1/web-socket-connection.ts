/** A WebSocket of a module (RFC 6455), with the names and the ways of Bun's ServerWebSocket. */
import type { OpenSocket } from "../h2/h2.ts";
import type { Log } from "../log.ts";
import type { WebSocketConnection, WebSocketHandler } from "../web-socket.ts";
import type { Output } from "./output.ts";
import type { Subscriber, Topics } from "./topics.ts";
import { closeCodes, isCloseCode, opcodes, webSocketReader } from "./web-socket-reader.ts";

/** What its connection tells it. */
export interface WebSocketUser {
  open(): void;
  receive(bytes: Buffer): void;
  writable(): void;
  gone(): void;
  /** The server stops: the client is told to go. */
  drain(): void;
  sweep(now: number): void;
}

export interface WebSocketSurroundings {
  readonly socket: OpenSocket;
  readonly output: Output;
  readonly handler: WebSocketHandler;
  readonly topics: Topics;
  readonly log: Log;
}

const defaultMaxMessageBytes = 16_777_216;
const defaultBacklogBytes = 16_777_216;
const defaultIdleSeconds = 120;
/** For a client to answer a close, in ms. */
const closeMs = 5_000;
/** Of a control frame. */
const maxReasonBytes = 123;

type Bytes = string | ArrayBuffer | ArrayBufferView;

export function openWebSocket(
  data: unknown,
  { socket, output, handler, topics, log }: WebSocketSurroundings,
): WebSocketUser {
  const { maxPayloadLength = defaultMaxMessageBytes, backpressureLimit = defaultBacklogBytes } = handler;
  const idleMs = (handler.idleTimeout ?? defaultIdleSeconds) * 1000;
  const joined = new Set<string>();
  let state: 1 | 2 | 3 = 1;
  let heardAt = Date.now();
  let asked = false;
  let closedAt = 0;
  let waiting = false;
  let ending: { code: number; reason: string } | undefined;

  /** What the module's own code throws is its own, and ends nothing. */
  const tell = (call: (() => unknown) | undefined): void => {
    const failed = (error: unknown): void => log.error("a websocket's handler failed", { error });
    try {
      const result = call?.();
      if (result instanceof Promise) result.catch(failed);
    } catch (error) {
      failed(error);
    }
  };

  const frame = (opcode: number, payload: Uint8Array): void => {
    output.write(frameHead(opcode, payload.length));
    if (payload.length > 0) output.write(payload);
  };

  const send = (opcode: number, message: Bytes): number => {
    if (state !== 1) return 0;
    const payload = bytesOf(message);
    if (output.waitingBytes + payload.length > backpressureLimit) {
      if (handler.closeOnBackpressureLimit) terminate();
      return 0;
    }
    frame(opcode, payload);
    waiting = output.ready() !== undefined;
    return waiting ? -1 : payload.length;
  };

  const close = (code: number, reason: string): void => {
    if (state !== 1) return;
    state = 2;
    closedAt = Date.now();
    const text = Buffer.from(reason).subarray(0, maxReasonBytes);
    const payload = Buffer.alloc(code === closeCodes.none ? 0 : 2 + text.length);
    if (payload.length > 0) {
      payload.writeUInt16BE(code);
      text.copy(payload, 2);
    }
    frame(opcodes.close, payload);
  };

  /** Both sides have said it, or the connection is lost. */
  const finish = (code: number, reason: string): void => {
    if (state === 3) return;
    state = 3;
    for (const topic of joined) topics.remove(topic, subscriber);
    joined.clear();
    ending ??= { code, reason };
    const { code: said, reason: why } = ending;
    tell(handler.close && (() => handler.close?.(own, said, why)));
  };
  const terminate = (): void => {
    output.discard();
    socket.terminate();
    finish(closeCodes.lost, "");
  };

  const typed = (bytes: Buffer): unknown => {
    if (own.binaryType === "nodebuffer") return bytes;
    const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    return own.binaryType === "uint8array" ? plain : plain.slice().buffer;
  };

  const read = webSocketReader(maxPayloadLength, {
    message: (message) =>
      tell(() => handler.message(own, typeof message === "string" ? message : typed(message))),
    ping(bytes) {
      if (state === 1) frame(opcodes.pong, bytes);
      tell(handler.ping && (() => handler.ping?.(own, typed(bytes))));
    },
    pong: (bytes) => tell(handler.pong && (() => handler.pong?.(own, typed(bytes)))),
    close(code, reason) {
      ending ??= { code, reason };
      close(code, reason);
      finish(code, reason);
      output.end();
    },
    broken(code, reason) {
      ending ??= { code, reason };
      close(code, reason);
      finish(code, reason);
      output.end();
    },
  });

  const subscriber: Subscriber = {
    deliver: (message) => void send(typeof message === "string" ? opcodes.text : opcodes.binary, message),
  };

  const own: WebSocketConnection = {
    data,
    remoteAddress: socket.peer.replace(/:\d+$/, "").replace(/^\[|\]$/g, ""),
    binaryType: "nodebuffer",
    get readyState() {
      return state;
    },
    send: (message) => send(typeof message === "string" ? opcodes.text : opcodes.binary, message),
    sendText: (message) => send(opcodes.text, message),
    sendBinary: (message) => send(opcodes.binary, message),
    ping: (bytes = "") => send(opcodes.ping, bytes),
    pong: (bytes = "") => send(opcodes.pong, bytes),
    close(code = closeCodes.normal, reason = "") {
      if (!isCloseCode(code)) throw new RangeError(`websocket: ${code} is no code to close with`);
      if (state === 1) ending = { code, reason };
      close(code, reason);
    },
    terminate,
    getBufferedAmount: () => output.waitingBytes,
    // what is sent in one turn is one write anyway
    cork: (callback) => callback(own),
    subscribe(topic) {
      if (state !== 1) return;
      joined.add(topic);
      topics.add(topic, subscriber);
    },
    unsubscribe(topic) {
      joined.delete(topic);
      topics.remove(topic, subscriber);
    },
    isSubscribed: (topic) => joined.has(topic),
    get subscriptions() {
      return [...joined];
    },
    publish(topic, message) {
      const payload = typeof message === "string" ? message : bytesOf(message);
      const told = topics.publish(topic, payload, handler.publishToSelf ? undefined : subscriber);
      return told === 0 ? 0 : payload.length;
    },
  };

  return {
    open: () => tell(handler.open && (() => handler.open?.(own))),
    receive(bytes) {
      heardAt = Date.now();
      asked = false;
      read(bytes);
    },
    writable() {
      if (!waiting || output.ready() !== undefined) return;
      waiting = false;
      if (state === 1) tell(handler.drain && (() => handler.drain?.(own)));
    },
    gone: () => finish(closeCodes.lost, ""),
    drain() {
      if (state === 1) ending = { code: closeCodes.goingAway, reason: "" };
      close(closeCodes.goingAway, "");
    },
    sweep(now) {
      if (closedAt > 0) {
        if (now - closedAt > closeMs) terminate();
      } else if (idleMs > 0 && now - heardAt > idleMs) terminate();
      else if (idleMs > 0 && !asked && handler.sendPings !== false && now - heardAt > idleMs / 2) {
        asked = true;
        send(opcodes.ping, "");
      }
    },
  };
}

/** A server's frames are whole, and not masked. */
function frameHead(opcode: number, length: number): Uint8Array {
  const extra = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const head = Buffer.alloc(2 + extra);
  head[0] = 0x80 | opcode;
  head[1] = extra === 0 ? length : extra === 2 ? 126 : 127;
  if (extra === 2) head.writeUInt16BE(length, 2);
  else if (extra === 8) head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}

/** A copy: the caller may change its own before it has left. */
function bytesOf(message: Bytes): Uint8Array {
  if (typeof message === "string") return Buffer.from(message);
  if (message instanceof ArrayBuffer) return new Uint8Array(message.slice(0));
  return Uint8Array.prototype.slice.call(
    new Uint8Array(message.buffer as ArrayBuffer, message.byteOffset, message.byteLength),
  );
}

/** The messages that come in on an HTTP/2 stream: cut out of its bytes, kept until they are asked for, credited as they go. */
import { MicrorunError } from "../errors.ts";
import type { Stream } from "../h2/h2.ts";
import { inflate } from "./inflate.ts";

export interface InboxListener {
  message(bytes: Uint8Array): void;
  /** The peer has ended its side, and every message was taken. */
  ended(): void;
  /** What comes cannot be read any further. The inbox is closed. */
  broken(error: MicrorunError): void;
}

export interface Inbox {
  readonly maxMessageBytes: number;
  readonly listener: InboxListener;
  stream: Stream | undefined;
  /** `grpc-encoding` of the peer. */
  encoding: string | undefined;
  /** Messages that nobody asked for yet, flags apart. */
  readonly messages: Uint8Array[];
  readonly flags: number[];
  /** An unfinished message with its prefix, in pieces. */
  parts: Uint8Array[];
  partBytes: number;
  /** How long it will be. */
  dueBytes: number;
  /** Received, and not credited: while messages wait the peer is not asked for more. */
  owedBytes: number;
  /** Received, and not released. */
  heldBytes: number;
  wanted: boolean;
  ended: boolean;
  closed: boolean;
  busy: boolean;
}

/** Flag and length, before each message. */
export const prefixBytes = 5;

export function createInbox(
  stream: Stream | undefined,
  maxMessageBytes: number,
  encoding: string | undefined,
  listener: InboxListener,
): Inbox {
  return {
    maxMessageBytes,
    listener,
    stream,
    encoding,
    messages: [],
    flags: [],
    parts: [],
    partBytes: 0,
    dueBytes: prefixBytes,
    owedBytes: 0,
    heldBytes: 0,
    wanted: false,
    ended: false,
    closed: false,
    busy: false,
  };
}

/** Bytes have come. */
export function receive(inbox: Inbox, bytes: Buffer, start: number, end: number): void {
  inbox.heldBytes += end - start;
  inbox.owedBytes += end - start;
  let at = start;
  while (at < end && !inbox.closed) {
    if (inbox.partBytes === 0 && end - at >= prefixBytes) {
      const length = bytes.readUInt32BE(at + 1);
      if (!fits(inbox, length)) break;
      const next = at + prefixBytes + length;
      if (next <= end) {
        take(inbox, bytes[at]!, bytes.subarray(at + prefixBytes, next));
        at = next;
        continue;
      }
      inbox.dueBytes = prefixBytes + length;
    }
    at = collect(inbox, bytes, at, end);
  }
  if (inbox.closed) giveBack(inbox);
  else if (inbox.messages.length === 0) credit(inbox);
  else keepApart(inbox, bytes);
}

/** The peer has ended its side. */
export function endInbox(inbox: Inbox): void {
  inbox.ended = true;
  deliver(inbox);
}

/** Asks for the next message. */
export function readInbox(inbox: Inbox): void {
  inbox.wanted = true;
  deliver(inbox);
}

/** Nobody wants more: what is held is given back, and what comes is. */
export function closeInbox(inbox: Inbox): void {
  inbox.closed = true;
  inbox.messages.length = 0;
  inbox.flags.length = 0;
  inbox.parts = [];
  giveBack(inbox);
}

function fits(inbox: Inbox, length: number): boolean {
  if (length <= inbox.maxMessageBytes) return true;
  const why = `received message larger than max (${length} vs ${inbox.maxMessageBytes})`;
  fail(inbox, new MicrorunError("resource_exhausted", why));
  return false;
}

/** Adds to the unfinished message. @returns where the rest begins */
function collect(inbox: Inbox, bytes: Buffer, at: number, end: number): number {
  const next = Math.min(end, at + inbox.dueBytes - inbox.partBytes);
  const part = bytes.subarray(at, next);
  // most of the chunk may as well be kept, a little of it must not keep the rest
  inbox.parts.push(part.length * 2 > bytes.buffer.byteLength ? part : Buffer.from(part));
  inbox.partBytes += part.length;
  if (inbox.partBytes < inbox.dueBytes) return next;
  const whole = inbox.parts.length === 1 ? (inbox.parts[0] as Buffer) : Buffer.concat(inbox.parts);
  inbox.parts = [whole];
  if (inbox.dueBytes === prefixBytes) {
    const length = whole.readUInt32BE(1);
    if (!fits(inbox, length)) return next;
    inbox.dueBytes += length;
    if (length > 0) return next;
  }
  inbox.parts = [];
  inbox.partBytes = 0;
  inbox.dueBytes = prefixBytes;
  take(inbox, whole[0]!, whole.subarray(prefixBytes));
  return next;
}

function take(inbox: Inbox, flag: number, message: Uint8Array): void {
  inbox.messages.push(message);
  inbox.flags.push(flag);
  deliver(inbox);
}

/** A message that waits must not keep the chunk that it came in. */
function keepApart(inbox: Inbox, chunk: Buffer): void {
  const { messages } = inbox;
  for (let i = messages.length - 1; i >= 0 && messages[i]!.buffer === chunk.buffer; i--)
    messages[i] = Buffer.from(messages[i]!);
}

function deliver(inbox: Inbox): void {
  if (inbox.busy) return;
  inbox.busy = true;
  const { messages, flags, listener } = inbox;
  while (inbox.wanted && messages.length > 0) {
    const message = messages.shift()!;
    const flag = flags.shift()!;
    release(inbox, prefixBytes + message.length);
    const read = flag === 0 ? message : inflate(message, flag, inbox.encoding, inbox.maxMessageBytes);
    if (read instanceof MicrorunError) fail(inbox, read);
    else {
      inbox.wanted = false;
      listener.message(read);
    }
  }
  inbox.busy = false;
  if (messages.length > 0 || inbox.closed) return;
  credit(inbox);
  if (!inbox.ended) return;
  if (inbox.partBytes > 0) fail(inbox, new MicrorunError("internal", "the last message is cut off"));
  else {
    inbox.closed = true;
    listener.ended();
  }
}

function fail(inbox: Inbox, error: MicrorunError): void {
  closeInbox(inbox);
  inbox.listener.broken(error);
}

function credit(inbox: Inbox): void {
  if (inbox.owedBytes === 0) return;
  inbox.stream?.credit(inbox.owedBytes);
  inbox.owedBytes = 0;
}

function release(inbox: Inbox, bytes: number): void {
  inbox.stream?.release(bytes);
  inbox.heldBytes -= bytes;
}

function giveBack(inbox: Inbox): void {
  credit(inbox);
  if (inbox.heldBytes > 0) release(inbox, inbox.heldBytes);
}

/** The messages that come in on an HTTP/2 stream: cut out of its bytes, kept until they are asked for, credited as they go. */
import { MicrorunError } from "../errors.ts";
import type { Stream } from "../h2/h2.ts";
import { inflate } from "./inflate.ts";

export interface InboxListener {
  /** One message: `bytes[start, end)`. */
  message(bytes: Uint8Array, start: number, end: number): void;
  /** The peer has ended its side, and every message was taken. */
  finished(): void;
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
  messages: Uint8Array[];
  flags: number[];
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

/** Stands for a list as long as there is nothing in it: most inboxes never need one. */
const none: never[] = [];

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
    messages: none,
    flags: none,
    parts: none,
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
        take(inbox, bytes[at]!, bytes, at + prefixBytes, next);
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
  inbox.messages = none;
  inbox.flags = none;
  inbox.parts = none;
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
  if (inbox.partBytes === 0) inbox.parts = [];
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
  inbox.parts = none;
  inbox.partBytes = 0;
  inbox.dueBytes = prefixBytes;
  take(inbox, whole[0]!, whole, prefixBytes, whole.length);
  return next;
}

function take(inbox: Inbox, flag: number, bytes: Uint8Array, start: number, end: number): void {
  if (inbox.wanted && !inbox.busy && inbox.messages.length === 0) {
    inbox.busy = true;
    hand(inbox, flag, bytes, start, end);
    inbox.busy = false;
    if (inbox.messages.length === 0 && !inbox.closed) credit(inbox);
    return;
  }
  if (inbox.messages.length === 0) {
    inbox.messages = [];
    inbox.flags = [];
  }
  inbox.messages.push(bytes.subarray(start, end));
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
  while (inbox.wanted && inbox.messages.length > 0) {
    const message = inbox.messages.shift()!;
    const flag = inbox.flags.shift()!;
    hand(inbox, flag, message, 0, message.length);
  }
  inbox.busy = false;
  if (inbox.messages.length > 0 || inbox.closed) return;
  credit(inbox);
  if (!inbox.ended) return;
  if (inbox.partBytes > 0) fail(inbox, new MicrorunError("internal", "the last message is cut off"));
  else {
    inbox.closed = true;
    inbox.listener.finished();
  }
}

function hand(inbox: Inbox, flag: number, bytes: Uint8Array, start: number, end: number): void {
  release(inbox, prefixBytes + end - start);
  if (flag === 0) {
    inbox.wanted = false;
    inbox.listener.message(bytes, start, end);
    return;
  }
  const read = inflate(bytes.subarray(start, end), flag, inbox.encoding, inbox.maxMessageBytes);
  if (read instanceof MicrorunError) {
    fail(inbox, read);
    return;
  }
  inbox.wanted = false;
  inbox.listener.message(read, 0, read.length);
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

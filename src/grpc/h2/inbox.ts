/** The messages that come in on an HTTP/2 stream: cut out of its bytes, kept until they are asked for, credited as they go. */
import { MicrorunError } from "../../errors.ts";
import type { Stream } from "../../h2/h2.ts";
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
  /** Messages that nobody asked for yet, with their prefixes: from `storeAt` to `storeEnd`. What was handed over stays as it is. */
  store: Buffer;
  storeAt: number;
  storeEnd: number;
  /** An unfinished message with its prefix, and how much of it is there. */
  part: Buffer;
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

/** Most inboxes never need more. */
const nothing = Buffer.alloc(0);

/** Flag and length, before each message. */
export const prefixBytes = 5;

/** An unfinished message has room for as many bytes, or for so many times what has come of it: a claim alone costs nothing. */
const minRoomBytes = 512;
const roomFactor = 4;

/** A larger store is not kept once it is empty. */
const maxIdleBytes = 65_536;

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
    store: nothing,
    storeAt: 0,
    storeEnd: 0,
    part: nothing,
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
      const length = lengthAt(bytes, at);
      if (!fits(inbox, length)) break;
      const next = at + prefixBytes + length;
      if (next <= end) {
        take(inbox, bytes, at, next, false);
        at = next;
        continue;
      }
      inbox.dueBytes = prefixBytes + length;
    }
    at = collect(inbox, bytes, at, end);
  }
  if (inbox.closed) giveBack(inbox);
  else if (isEmpty(inbox)) credit(inbox);
}

/** The peer has ended its side. */
export function endInbox(inbox: Inbox): void {
  inbox.ended = true;
  deliver(inbox);
}

/** Nothing more comes: whole messages are still there to be read, half of one is not. */
export function breakOff(inbox: Inbox): void {
  inbox.part = nothing;
  inbox.partBytes = 0;
  endInbox(inbox);
}

/** Asks for the next message. */
export function readInbox(inbox: Inbox): void {
  inbox.wanted = true;
  deliver(inbox);
}

/** Nobody wants more: what is held is given back, and what comes is. */
export function closeInbox(inbox: Inbox): void {
  inbox.closed = true;
  inbox.store = inbox.part = nothing;
  inbox.storeAt = inbox.storeEnd = 0;
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
  makeRoom(inbox, inbox.partBytes + next - at);
  bytes.copy(inbox.part, inbox.partBytes, at, next);
  inbox.partBytes += next - at;
  if (inbox.partBytes < inbox.dueBytes) return next;
  const { part } = inbox;
  if (inbox.dueBytes === prefixBytes) {
    const length = lengthAt(part, 0);
    if (!fits(inbox, length)) return next;
    inbox.dueBytes += length;
    if (length > 0) return next;
  }
  inbox.part = nothing;
  inbox.partBytes = 0;
  inbox.dueBytes = prefixBytes;
  release(inbox, part.length);
  take(inbox, part, 0, part.length, true);
  return next;
}

/** The room counts as held, too. */
function makeRoom(inbox: Inbox, bytes: number): void {
  const { part, partBytes } = inbox;
  if (bytes <= part.length) return;
  const room = Buffer.allocUnsafeSlow(Math.min(inbox.dueBytes, Math.max(minRoomBytes, bytes * roomFactor)));
  part.copy(room, 0, 0, partBytes);
  inbox.part = room;
  release(inbox, part.length - room.length);
}

/**
 * A whole message with its prefix.
 * @param isOwn the bytes are no part of a chunk that others use too
 */
function take(inbox: Inbox, bytes: Buffer, start: number, end: number, isOwn: boolean): void {
  if (inbox.wanted && !inbox.busy && isEmpty(inbox)) {
    inbox.busy = true;
    hand(inbox, bytes, start, end);
    inbox.busy = false;
    if (isEmpty(inbox) && !inbox.closed) credit(inbox);
    return;
  }
  if (isOwn && isEmpty(inbox)) setStore(inbox, bytes, end);
  else keep(inbox, bytes, start, end);
  deliver(inbox);
}

/** A message that waits must not keep the chunk that it came in. */
function keep(inbox: Inbox, bytes: Buffer, start: number, end: number): void {
  const { storeAt, storeEnd } = inbox;
  if (inbox.store.length - storeEnd < end - start) {
    const bytesKept = storeEnd - storeAt;
    const room = Buffer.allocUnsafeSlow(Math.max(minRoomBytes, (bytesKept + end - start) * 2));
    inbox.store.copy(room, 0, storeAt, storeEnd);
    setStore(inbox, room, bytesKept);
  }
  bytes.copy(inbox.store, inbox.storeEnd, start, end);
  inbox.storeEnd += end - start;
}

function setStore(inbox: Inbox, store: Buffer, end: number): void {
  release(inbox, inbox.store.length - store.length);
  inbox.store = store;
  inbox.storeAt = 0;
  inbox.storeEnd = end;
}

function isEmpty({ storeAt, storeEnd }: Inbox): boolean {
  return storeAt === storeEnd;
}

function lengthAt(bytes: Buffer, at: number): number {
  return ((bytes[at + 1]! << 24) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 8) | bytes[at + 4]!) >>> 0;
}

function deliver(inbox: Inbox): void {
  if (inbox.busy) return;
  inbox.busy = true;
  while (inbox.wanted && !isEmpty(inbox)) {
    const { store, storeAt } = inbox;
    inbox.storeAt = storeAt + prefixBytes + lengthAt(store, storeAt);
    hand(inbox, store, storeAt, inbox.storeAt);
  }
  inbox.busy = false;
  if (!isEmpty(inbox) || inbox.closed) return;
  if (inbox.store.length > maxIdleBytes || inbox.ended) setStore(inbox, nothing, 0);
  credit(inbox);
  if (!inbox.ended) return;
  if (inbox.partBytes > 0) fail(inbox, new MicrorunError("internal", "the last message is cut off"));
  else {
    inbox.closed = true;
    inbox.listener.finished();
  }
}

/** @param start where its prefix begins */
function hand(inbox: Inbox, bytes: Buffer, start: number, end: number): void {
  const flag = bytes[start]!;
  const from = start + prefixBytes;
  release(inbox, end - start);
  if (flag === 0) {
    inbox.wanted = false;
    inbox.listener.message(bytes, from, end);
    return;
  }
  const read = inflate(bytes.subarray(from, end), flag, inbox.encoding, inbox.maxMessageBytes);
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

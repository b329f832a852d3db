/** A stream made: the calls that its user has, over what each of them does. */
import { end, endWith, ready, write } from "./body-writer.ts";
import { reset } from "./closing.ts";
import type { Connection, StreamState } from "./connection.ts";
import { writeWindowUpdate } from "./frame-writer.ts";
import type { Fields, StreamListener } from "./h2.ts";
import { writeHeaders } from "./header-writer.ts";
import { charge } from "./memory.ts";

/** Hears nothing: for the time before a server's `accept` has said who does. */
const nobody: StreamListener = { data() {}, end() {}, reset() {} };

/**
 * The methods are the same functions for all streams: a closure for each would cost more than a small call does.
 * @param id 0: it waits
 */
export function createStream(
  connection: Connection,
  id: number,
  listener: StreamListener = nobody,
): StreamState {
  return {
    connection,
    id,
    listener,
    closed: false,
    request: undefined,
    isHead: false,
    sendWindow: id === 0 ? 0 : connection.peerInitialWindow,
    receiveWindow: connection.limits.streamWindowBytes,
    uncredited: 0,
    heldBytes: 0,
    expectedBytes: -1,
    headed: false,
    remoteEnded: false,
    localEnded: false,
    pending: [],
    pendingAt: 0,
    pendingBytes: 0,
    movedAt: 0,
    endWanted: false,
    trailers: undefined,
    wake: undefined,
    isBlocked: false,
    send,
    write: writeBody,
    ready: readyToWrite,
    end: endBody,
    endWith: endWithTrailers,
    reset: giveUp,
    credit,
    release,
  };
}

function send(this: StreamState, shared: Fields, own?: Fields): void {
  if (!this.closed && !this.endWanted) writeHeaders(this.connection, this.id, shared, own, false);
}

function writeBody(this: StreamState, bytes: Uint8Array, prefix?: Uint8Array): boolean {
  return write(this, bytes, prefix);
}

function readyToWrite(this: StreamState): Promise<void> | undefined {
  return ready(this);
}

function endBody(this: StreamState): void {
  end(this);
}

function endWithTrailers(this: StreamState, shared: Fields, own?: Fields): void {
  endWith(this, shared, own);
}

function giveUp(this: StreamState, code: number): void {
  reset(this, code);
}

/** Half a window at a time: fewer frames, and the peer never runs dry. */
function credit(this: StreamState, bytes: number): void {
  if (this.closed || this.remoteEnded) return;
  this.uncredited += bytes;
  if (this.uncredited < this.connection.limits.streamWindowBytes >> 1) return;
  writeWindowUpdate(this.connection.output, this.id, this.uncredited);
  this.receiveWindow += this.uncredited;
  this.uncredited = 0;
}

function release(this: StreamState, bytes: number): void {
  if (this.closed) return;
  this.heldBytes -= bytes;
  charge(this.connection.memory, this.connection.account, -bytes);
}

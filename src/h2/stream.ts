/** A stream: the calls that its user has, over what each of them does. */
import { end, endWith, ready, write } from "./body-writer.ts";
import { reset, withhold } from "./closing.ts";
import type { Connection, StreamState } from "./connection.ts";
import { writeWindowUpdate } from "./frame-writer.ts";
import type { Fields, StreamListener } from "./h2.ts";
import { writeHeaders } from "./header-writer.ts";
import { charge } from "./memory.ts";

/** Hears nothing: for the time before a server's `accept` has said who does. */
const nobody: StreamListener = { data() {}, end() {}, reset() {} };

/** @param id 0: it waits */
export function createStream(
  connection: Connection,
  id: number,
  listener: StreamListener = nobody,
): StreamState {
  return new ConnectionStream(connection, id, listener);
}

/** Of a stream that has nothing pending. */
const nothing: Uint8Array[] = [];

/** A class, as every call makes one. */
class ConnectionStream implements StreamState {
  readonly connection: Connection;
  id: number;
  listener: StreamListener;
  closed = false;
  request: StreamState["request"] = undefined;
  isHead = false;
  sendWindow: number;
  receiveWindow: number;
  uncredited = 0;
  heldBytes = 0;
  expectedBytes = -1;
  headed = false;
  remoteEnded = false;
  localEnded = false;
  pending: Uint8Array[] = nothing;
  pendingAt = 0;
  pendingBytes = 0;
  movedAt = 0;
  endWanted = false;
  trailers: StreamState["trailers"] = undefined;
  wake: (() => void) | undefined = undefined;
  isBlocked = false;

  constructor(connection: Connection, id: number, listener: StreamListener) {
    this.connection = connection;
    this.id = id;
    this.listener = listener;
    this.sendWindow = id === 0 ? 0 : connection.peerInitialWindow;
    this.receiveWindow = connection.limits.streamWindowBytes;
  }

  get maxHeaderListBytes(): number {
    return this.connection.peerMaxHeaderListBytes;
  }

  send(shared: Fields, own?: Fields): void {
    if (this.closed || this.endWanted) return;
    if (!writeHeaders(this.connection, this.id, shared, own, false)) withhold(this);
  }

  write(bytes: Uint8Array, prefix?: Uint8Array): boolean {
    return write(this, bytes, prefix);
  }

  ready(): Promise<void> | undefined {
    return ready(this);
  }

  end(): void {
    end(this);
  }

  endWith(shared: Fields, own?: Fields): void {
    endWith(this, shared, own);
  }

  reset(code: number): void {
    reset(this, code);
  }

  /** Half a window at a time: fewer frames, and the peer never runs dry. */
  credit(bytes: number): void {
    if (this.closed || this.remoteEnded) return;
    this.uncredited += bytes;
    if (this.uncredited < this.connection.limits.streamWindowBytes >> 1) return;
    writeWindowUpdate(this.connection.output, this.id, this.uncredited);
    this.receiveWindow += this.uncredited;
    this.uncredited = 0;
  }

  release(bytes: number): void {
    if (this.closed) return;
    this.heldBytes -= bytes;
    charge(this.connection.memory, this.connection.account, -bytes);
  }
}

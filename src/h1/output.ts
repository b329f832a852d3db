/** What a connection sends: gathered, so that an answer is one write, and what streams one for each turn of the loop. */
import type { OpenSocket } from "../h2/h2.ts";
import { limits } from "./h1.ts";

export interface Output {
  /** Text goes one byte per character; bytes must stay as they are. @returns false when the client should read first */
  write(part: string | Uint8Array): boolean;
  /** The same for what is likely to be followed by more: it leaves at the end of the loop's turn. */
  add(part: string | Uint8Array): boolean;
  /** Resolves once there is room, or the connection has closed; undefined when there is room now. */
  ready(): Promise<void> | undefined;
  /** The socket takes bytes again. */
  writable(): void;
  /** Closes once everything has left. */
  end(): void;
  /** Nothing is kept, nothing more is written. */
  discard(): void;
  /** Nothing leaves any more. */
  readonly closed: boolean;
  /** What has not left. */
  readonly waitingBytes: number;
  /** When the socket last took something of what waits. */
  readonly movedAt: number;
}

/** @param scratch to put small parts together in: shared by connections, as nothing stays in it */
export function createOutput(socket: OpenSocket, scratch: Buffer): Output {
  let parts: (string | Uint8Array)[] = [];
  let partBytes = 0;
  /** What the socket did not take. */
  let unsent: Uint8Array[] = [];
  let unsentBytes = 0;
  let flushing = false;
  let lingering = false;
  let ending = false;
  let closed = false;
  let movedAt = 0;
  let room: PromiseWithResolvers<void> | undefined;

  const settle = (): void => {
    const waiting = partBytes + unsentBytes;
    if (closed || waiting < limits.unsentBytes) {
      room?.resolve();
      room = undefined;
    }
    if (ending && !closed && waiting === 0) {
      closed = true;
      socket.end();
    }
  };

  const discard = (): void => {
    closed = true;
    parts = [];
    unsent = [];
    partBytes = unsentBytes = 0;
    settle();
  };

  /** @param own they stay as they are */
  const send = (bytes: Uint8Array, length: number, own: boolean): void => {
    if (closed || length === 0) return;
    const taken = unsentBytes > 0 ? 0 : socket.write(bytes, 0, length);
    if (taken === length) return;
    if (taken < 0) {
      discard();
      return;
    }
    if (unsentBytes === 0) movedAt = Date.now();
    const rest = bytes.subarray(taken, length);
    unsent.push(own ? rest : Uint8Array.prototype.slice.call(rest));
    unsentBytes += length - taken;
  };

  const flush = (): void => {
    flushing = lingering = false;
    const all = parts;
    parts = [];
    partBytes = 0;
    let at = 0;
    for (const part of all) {
      if (part.length > scratch.length - at) {
        send(scratch, at, false);
        at = 0;
      }
      if (part.length > scratch.length)
        send(typeof part === "string" ? Buffer.from(part, "latin1") : part, part.length, true);
      else {
        if (typeof part === "string") scratch.write(part, at, "latin1");
        else scratch.set(part, at);
        at += part.length;
      }
    }
    send(scratch, at, false);
    settle();
  };

  const put = (part: string | Uint8Array): boolean => {
    parts.push(part);
    partBytes += part.length;
    return partBytes + unsentBytes < limits.unsentBytes;
  };

  return {
    write(part) {
      if (closed) return true;
      if (!flushing) {
        flushing = true;
        queueMicrotask(flush);
      }
      return put(part);
    },
    add(part) {
      if (closed) return true;
      if (!lingering) {
        lingering = true;
        // whoever never waits for anything but room lets others have their turn
        setImmediate(() => {
          if (lingering) flush();
        });
      }
      return put(part);
    },
    ready() {
      if (closed || partBytes + unsentBytes < limits.unsentBytes) return undefined;
      room ??= Promise.withResolvers();
      return room.promise;
    },
    writable() {
      while (unsent.length > 0 && !closed) {
        const part = unsent[0]!;
        const taken = socket.write(part, 0, part.length);
        if (taken < 0) return discard();
        if (taken > 0) movedAt = Date.now();
        unsentBytes -= taken;
        if (taken < part.length) {
          unsent[0] = part.subarray(taken);
          break;
        }
        unsent.shift();
      }
      settle();
    },
    end() {
      ending = true;
      if (!flushing && !lingering) settle();
    },
    discard,
    get closed() {
      return closed;
    },
    get waitingBytes() {
      return partBytes + unsentBytes;
    },
    get movedAt() {
      return movedAt;
    },
  };
}

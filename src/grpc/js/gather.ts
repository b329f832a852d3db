/** A connection whose writes of one turn of the event loop leave together: Bun's http2 makes a system call for each otherwise. */
import type { Socket } from "node:net";
import { Duplex } from "node:stream";

/** Bytes gathered before they are sent without waiting for the turn's end. */
const maxGatheredBytes = 65_536;

/** Takes the socket over: whoever held it must not read or write it any more. */
export function gatherWrites(socket: Socket): Duplex {
  let parts: Uint8Array[] = [];
  let gatheredBytes = 0;
  let turn: NodeJS.Immediate | undefined;
  let writable: (() => void) | undefined;

  const flush = (): void => {
    clearImmediate(turn);
    turn = undefined;
    if (parts.length === 0) return;
    const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    parts = [];
    gatheredBytes = 0;
    if (!socket.destroyed) socket.write(bytes);
  };

  const gathered = new Duplex({
    read: () => void socket.resume(),
    write(chunk: Uint8Array, _, done) {
      parts.push(chunk);
      gatheredBytes += chunk.length;
      if (gatheredBytes >= maxGatheredBytes) flush();
      else turn ??= setImmediate(flush);
      if (socket.writableNeedDrain) writable = done;
      else done();
    },
    final(done) {
      flush();
      socket.end(done);
    },
    destroy(error, done) {
      // a GOAWAY that says why must still leave
      flush();
      socket.destroySoon();
      done(error);
    },
  });
  socket.on("data", (bytes) => {
    if (!gathered.push(bytes)) socket.pause();
  });
  socket.on("drain", () => {
    const next = writable;
    writable = undefined;
    next?.();
  });
  socket.once("end", () => gathered.push(null));
  socket.once("close", () => gathered.destroy());
  return Object.assign(gathered, { remoteAddress: socket.remoteAddress, remotePort: socket.remotePort });
}

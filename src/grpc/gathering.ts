/** A socket whose small writes of one turn of the event loop leave as one: Bun's node:http2 writes each frame by itself. */
import type { Socket } from "node:net";
import { Duplex } from "node:stream";

/** Beyond this nothing more is gathered before it is written, in bytes. */
const maxGathered = 65_536;

export function gatherWrites(socket: Socket): Duplex {
  let gathered: Uint8Array[] = [];
  let size = 0;
  let held: (() => void) | undefined;

  const flush = (): void => {
    if (size === 0) return;
    const bytes = gathered.length === 1 ? gathered[0]! : Buffer.concat(gathered, size);
    gathered = [];
    size = 0;
    if (socket.destroyed || socket.writableEnded) return release();
    if (socket.write(bytes)) release();
    else socket.once("drain", release);
  };
  const release = (): void => {
    const go = held;
    held = undefined;
    go?.();
  };

  const duplex = new Duplex({
    allowHalfOpen: true,
    read() {
      socket.resume();
    },
    write(chunk: Buffer, _, done) {
      if (size === 0) setImmediate(flush);
      gathered.push(chunk);
      size += chunk.length;
      if (size < maxGathered && !socket.writableNeedDrain) {
        done();
        return;
      }
      held = done;
      flush();
    },
    final(done) {
      flush();
      socket.end(done);
    },
    destroy(error, done) {
      flush();
      socket.destroySoon();
      done(error);
    },
  });
  socket.on("data", (chunk: Buffer) => {
    if (!duplex.push(chunk)) socket.pause();
  });
  socket.on("end", () => duplex.push(null));
  socket.on("close", () => duplex.destroy());
  socket.on("error", (error) => duplex.destroy(error));
  const { remoteAddress, remotePort } = socket;
  return Object.assign(duplex, { remoteAddress, remotePort, setNoDelay() {}, setKeepAlive() {} });
}

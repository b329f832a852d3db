/** A socket of the engine's kind as a stream of node's: for HTTP/1, which node:http reads. */
import { Duplex } from "node:stream";
import { parseAddress } from "../address.ts";
import type { OpenSocket, SocketUser } from "../h2/h2.ts";

/** How long the other end may take to close, in ms: what was sent last must arrive. */
export const lingerMs = 500;

/** @param take is given the stream before its first bytes */
export function socketStream(
  socket: OpenSocket,
  secure: boolean,
  take: (stream: Duplex) => void,
): SocketUser {
  let unsent: { readonly bytes: Uint8Array; at: number; readonly done: (error?: Error) => void } | undefined;
  let linger: ReturnType<typeof setTimeout> | undefined;
  let gone = false;

  const send = (): void => {
    if (unsent === undefined) return;
    const { bytes, at, done } = unsent;
    const taken = socket.write(bytes, at, bytes.length - at);
    unsent.at += Math.max(0, taken);
    if (taken >= 0 && unsent.at < bytes.length) return;
    unsent = undefined;
    done(taken < 0 ? new Error("the socket has closed") : undefined);
  };

  const stream = new Duplex({
    read: () => socket.resume(),
    write(bytes: Uint8Array, _, done) {
      unsent = { bytes, at: 0, done };
      send();
    },
    final(done) {
      socket.end();
      done();
    },
    destroy(error, done) {
      if (!gone) {
        socket.end();
        // nobody reads any more: the end of it would not be seen
        socket.resume();
        linger = setTimeout(() => socket.terminate(), lingerMs);
      }
      done(error);
    },
  });
  // without a listener an error would end the process; a "close" follows each
  stream.on("error", () => {});
  take(Object.assign(stream, remoteOf(socket), { encrypted: secure }));
  return {
    receive(bytes) {
      if (!stream.destroyed && !stream.push(bytes)) socket.pause();
    },
    writable: send,
    gone() {
      gone = true;
      clearTimeout(linger);
      if (!stream.destroyed) stream.push(null);
      stream.destroy();
    },
  };
}

function remoteOf({ peer }: OpenSocket): { remoteAddress?: string; remotePort?: number } {
  if (peer === "") return {};
  const address = parseAddress(peer);
  if (address.path !== undefined) return {};
  return { remoteAddress: address.host ?? "", remotePort: address.port };
}

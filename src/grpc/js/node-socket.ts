/** A socket of node:net as one of the engine's kind: HTTP/1 on the port of grpc-js. */
import type { Socket } from "node:net";
import { formatAddress } from "../../address.ts";
import type { OpenSocket, SocketUser } from "../../h2/h2.ts";

/** @param take says who hears of the socket; what was put back into it comes first */
export function carryNodeSocket(socket: Socket, take: (socket: OpenSocket) => SocketUser | undefined): void {
  const { remoteAddress, remotePort } = socket;
  const user = take({
    peer: remoteAddress ? formatAddress({ host: remoteAddress, port: remotePort ?? 0 }) : "",
    protocol: undefined,
    write(bytes, offset, length) {
      if (socket.destroyed || socket.writableEnded) return -1;
      if (socket.writableNeedDrain) return 0;
      // it keeps what it cannot send, and the bytes are not its to keep
      socket.write(Buffer.from(bytes.subarray(offset, offset + length)));
      return length;
    },
    end: () => void socket.end(),
    terminate: () => void socket.destroy(),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
  });
  // without a listener an error would end the process; a "close" follows each
  socket.on("error", () => {});
  socket.on("data", (bytes: Buffer) => user?.receive(bytes));
  socket.on("drain", () => user?.writable());
  socket.once("close", () => user?.gone());
}

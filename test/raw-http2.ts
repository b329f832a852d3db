/** An HTTP/2 server made of frames, which does to a call what well-behaved servers do not. */

import { once } from "node:events";
import { createServer, type Socket } from "node:net";

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
export const frameTypes = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7 } as const;

/** A frame, ready to be written. */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = new Uint8Array(),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export function uint32s(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) bytes.writeUInt32BE(value, 4 * i);
  return bytes;
}

export interface RawServer extends AsyncDisposable {
  readonly address: string;
  /** How many requests were read to their end. */
  readonly requests: () => number;
}

/** @param answer what comes of a request, once it is read to its end */
export async function rawServer(answer: (socket: Socket, stream: number) => void): Promise<RawServer> {
  const sockets = new Set<Socket>();
  let requests = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    socket.write(frame(frameTypes.settings, 0, 0));
    let bytes = Buffer.alloc(0);
    let greeted = false;
    socket.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (!greeted) {
        if (bytes.length < preface.length) return;
        bytes = bytes.subarray(preface.length);
        greeted = true;
      }
      while (bytes.length >= 9 && bytes.length >= 9 + bytes.readUIntBE(0, 3)) {
        const length = bytes.readUIntBE(0, 3);
        const [type, flags, stream] = [bytes[3], bytes[4]!, bytes.readUInt32BE(5)];
        const payload = Buffer.from(bytes.subarray(9, 9 + length));
        bytes = bytes.subarray(9 + length);
        if (type === frameTypes.settings && (flags & 1) === 0) socket.write(frame(frameTypes.settings, 1, 0));
        if (type === frameTypes.ping && (flags & 1) === 0)
          socket.write(frame(frameTypes.ping, 1, 0, payload));
        if ((type === frameTypes.data || type === frameTypes.headers) && (flags & 1) === 1) {
          requests += 1;
          answer(socket, stream);
        }
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address() as { port: number };
  return {
    address: `127.0.0.1:${address.port}`,
    requests: () => requests,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** A peer over TCP that says whatever frames it is given, reads or not, and knows when it was cut. */
import { once } from "node:events";
import { connect } from "node:net";
import { prefaceText } from "./h2-wire.ts";
import { frame, uint32s } from "./raw-http2.ts";

export interface Attacker extends Disposable {
  readonly closed: boolean;
  /** Frames that it has been told, by type. */
  readonly heard: readonly number[];
  /** Waits while the socket takes nothing; false: it was cut. */
  say(bytes: Buffer): Promise<boolean>;
}

export interface AttackerOptions {
  /** Of its SETTINGS. */
  readonly settings?: Buffer;
  /** False: it leaves everything unread. @default true */
  readonly reads?: boolean;
}

export async function attacker(address: string, options: AttackerOptions = {}): Promise<Attacker> {
  const { settings = Buffer.alloc(0), reads = true } = options;
  const [host, port] = address.split(":");
  const socket = connect({ host: host!, port: Number(port) });
  let closed = false;
  const gone = Promise.withResolvers<void>();
  const end = (): void => {
    closed = true;
    gone.resolve();
  };
  socket.on("close", end).on("error", end);
  const heard = new Array<number>(256).fill(0);
  let rest: Buffer = Buffer.alloc(0);
  if (reads)
    socket.on("data", (chunk: Buffer) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let at = 0;
      while (rest.length - at >= 9 && rest.length - at >= 9 + rest.readUIntBE(at, 3)) {
        heard[rest[at + 3]!]! += 1;
        at += 9 + rest.readUIntBE(at, 3);
      }
      rest = rest.subarray(at);
    });
  else socket.pause();
  await Promise.race([once(socket, "connect"), gone.promise]);
  const say = async (bytes: Buffer): Promise<boolean> => {
    if (closed || socket.destroyed) return false;
    if (!socket.write(bytes)) await Promise.race([once(socket, "drain"), gone.promise]);
    return !closed;
  };
  await say(Buffer.concat([prefaceText, frame(4, 0, 0, settings), frame(4, 1, 0)]));
  return {
    get closed() {
      return closed;
    },
    heard,
    say,
    [Symbol.dispose]: () => socket.destroy(),
  };
}

/** The header block of a gRPC request, without tables. */
export function callBlock(path: string): Buffer {
  const literal = (name: string, value: string): Buffer =>
    Buffer.concat([
      Buffer.from([0, name.length]),
      Buffer.from(name),
      Buffer.from([value.length]),
      Buffer.from(value),
    ]);
  return Buffer.concat([
    Buffer.from([0x83, 0x86]), // POST, http
    literal(":path", path),
    literal(":authority", "attacked"),
    literal("content-type", "application/grpc"),
    literal("te", "trailers"),
  ]);
}

/** A message as gRPC frames it. */
export function framed(message: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([0]), uint32s(message.length), message]);
}

/** HEADERS and a whole message. */
export function callFrames(stream: number, block: Buffer, message: Uint8Array): Buffer {
  return Buffer.concat([frame(1, 4, stream, block), frame(0, 1, stream, framed(message))]);
}

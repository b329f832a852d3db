/** Two ends of a connection joined in memory, and peers made of frames: the HTTP/2 engine without a socket. */
import { type EngineOptions, http2Engine } from "../src/h2/engine.ts";
import type {
  Accept,
  ByteSocket,
  ClientSession,
  Ending,
  Engine,
  HeaderBlock,
  Session,
  SocketUser,
  Stream,
  StreamListener,
} from "../src/h2/h2.ts";
import { hpackDecoder } from "../src/h2/hpack-decoder.ts";
import type { Limits } from "../src/h2/limits.ts";
import { frame, uint32s } from "./raw-http2.ts";

/** One end: what is written to it, `reader` hears. */
export interface WireEnd extends ByteSocket {
  reader: SocketUser | undefined;
  /** Takes nothing while true. */
  full: boolean;
  readonly ended: boolean;
  readonly terminated: boolean;
}

/** @param cut how long the next piece is that the reader hears of at once */
export function wireEnd(cut: () => number = () => Number.POSITIVE_INFINITY): WireEnd {
  const end = {
    reader: undefined as SocketUser | undefined,
    full: false,
    ended: false,
    terminated: false,
    write(bytes: Uint8Array, offset: number, length: number): number {
      if (end.terminated || end.ended) return -1;
      if (end.full) return 0;
      const taken = Math.min(length, Math.max(1, cut()));
      const copy = Buffer.from(bytes.subarray(offset, offset + taken));
      queueMicrotask(() => hand(copy));
      if (taken < length) queueMicrotask(() => end.writable?.());
      return taken;
    },
    writable: undefined as (() => void) | undefined,
    end() {
      end.ended = true;
    },
    terminate() {
      end.terminated = true;
    },
    pause() {},
    resume() {},
  };
  const hand = (bytes: Buffer): void => {
    let at = 0;
    while (at < bytes.length) {
      const next = Math.min(bytes.length, at + Math.max(1, cut()));
      end.reader?.receive(bytes.subarray(at, next));
      at = next;
    }
  };
  return end;
}

export interface Joined {
  readonly client: ClientSession;
  readonly server: Session;
  readonly engine: Engine;
  /** What the client, and what the server writes to. */
  readonly toServer: WireEnd;
  readonly toClient: WireEnd;
}

export interface JoinOptions {
  readonly limits?: Partial<Limits>;
  readonly clientLimits?: Partial<Limits>;
  readonly engine?: EngineOptions;
  readonly cut?: () => number;
}

/** Both roles of the engine, talking to each other. */
export function join(
  accept: Accept,
  { limits, clientLimits, engine: options, cut }: JoinOptions = {},
): Joined {
  const engine = http2Engine({ fault: (error) => faults.push(error), ...options });
  const [toServer, toClient] = [wireEnd(cut), wireEnd(cut)];
  const server = engine.serve(toClient, accept, limits)!;
  const client = engine.connect(toServer, clientLimits);
  toServer.reader = server;
  toClient.reader = client;
  for (const [end, user] of [
    [toServer, client],
    [toClient, server],
  ] as const)
    Object.assign(end, { writable: () => user.writable() });
  return { client, server, engine, toServer, toClient };
}

/** What engines complained of since the test began. */
export const faults: unknown[] = [];

/** Everything that needs no time has happened. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export interface Heard extends StreamListener {
  readonly heads: HeaderBlock[];
  readonly trailer: () => HeaderBlock | undefined;
  readonly body: () => string;
  readonly ended: () => boolean;
  readonly ending: () => Ending | undefined;
}

/** Listens, takes everything, keeps what it heard. */
export function hearing(stream?: () => Stream, hold = false): Heard {
  const heads: HeaderBlock[] = [];
  const parts: Buffer[] = [];
  let [trailer, ended, ending] = [
    undefined as HeaderBlock | undefined,
    false,
    undefined as Ending | undefined,
  ];
  return {
    heads,
    trailer: () => trailer,
    body: () => Buffer.concat(parts).toString(),
    ended: () => ended,
    ending: () => ending,
    headers: (block) => void heads.push(block),
    data(bytes, start, end) {
      parts.push(Buffer.from(bytes.subarray(start, end)));
      if (hold) return;
      stream?.().credit(end - start);
      stream?.().release(end - start);
    },
    trailers(block) {
      trailer = block;
    },
    end() {
      ended = true;
    },
    reset(how) {
      ending = how;
    },
  };
}

export const requestFields: readonly string[] = [
  ":method",
  "POST",
  ":scheme",
  "http",
  ":path",
  "/",
  ":authority",
  "test",
];

/** A request in HPACK that refers to no table: `:method GET`, `:scheme http`, `:path /`, `:authority a`. */
export const requestBlock: Buffer = Buffer.from("828684010161", "hex");

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export interface RawPeer {
  readonly session: Session;
  readonly engine: Engine;
  readonly end: WireEnd;
  /** Says frames to the server, and returns those that it answered. */
  say(...frames: readonly Buffer[]): Promise<Frame[]>;
  /** The error code of the GOAWAY that the server has sent. */
  readonly goAway: () => number | undefined;
}

export const prefaceText: Buffer = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** A client made of frames, that has said its preface and settings. */
export async function rawPeer(
  accept: Accept,
  options: JoinOptions & { readonly settings?: Buffer; readonly shared?: Engine } = {},
): Promise<RawPeer> {
  const engine = options.shared ?? http2Engine({ fault: (error) => faults.push(error), ...options.engine });
  const end = wireEnd();
  let bytes = Buffer.alloc(0);
  let goAway: number | undefined;
  end.reader = {
    receive(chunk) {
      bytes = Buffer.concat([bytes, chunk]);
    },
    writable() {},
    gone() {},
  };
  const session = engine.serve(end, accept, options.limits)!;
  const read = (): Frame[] => {
    const frames: Frame[] = [];
    while (bytes.length >= 9 && bytes.length >= 9 + bytes.readUIntBE(0, 3)) {
      const length = bytes.readUIntBE(0, 3);
      const [type, flags, stream] = [bytes[3]!, bytes[4]!, bytes.readUInt32BE(5)];
      const payload = Buffer.from(bytes.subarray(9, 9 + length));
      if (type === 7) goAway = payload.readUInt32BE(4);
      frames.push({ type, flags, stream, payload });
      bytes = bytes.subarray(9 + length);
    }
    return frames;
  };
  const say = async (...frames: readonly Buffer[]): Promise<Frame[]> => {
    for (const said of frames) session.receive(Buffer.from(said));
    await settle();
    return read();
  };
  await say(prefaceText, options.settings ?? frame(4, 0, 0), frame(4, 1, 0));
  return { session, engine, end, say, goAway: () => goAway };
}

/** HEADERS of the request above. */
export function requestFrame(stream: number, ends = true): Buffer {
  return frame(1, ends ? 5 : 4, stream, requestBlock);
}

export function setting(id: number, value: number): Buffer {
  return Buffer.concat([Buffer.from([0, id]), uint32s(value)]);
}

/** The fields of a HEADERS frame that refers to no dynamic table. */
export function fieldsOf({ payload }: Frame): readonly string[] {
  return hpackDecoder(65_536).decode(payload, 0, payload.length).fields;
}

/** Attacks on a service, as frames that a peer repeats. */
import { errorCodes } from "../src/h2/h2.ts";
import { type AttackerOptions, callBlock, callFrames, framed } from "./attacker.ts";
import { setting } from "./h2-wire.ts";
import { encodeRequest as encode, interopName as service } from "./interop-service.ts";
import { frame, uint32s } from "./raw-http2.ts";

const empty = callBlock(`/${service}/EmptyCall`);
const unary = callBlock(`/${service}/UnaryCall`);
const down = callBlock(`/${service}/StreamingOutputCall`);
const replyBytes = 100_000;
const largeReply = encode("UnaryCall", { responseSize: replyBytes });
/** A handler that sleeps, whoever has left. */
const sleep = encode("StreamingOutputCall", { responseParameters: [{ size: 1, intervalUs: 2_000_000 }] });

export interface Attack extends AttackerOptions {
  /** What is said, until the peer is cut or time is up. */
  readonly next: (n: number) => Buffer;
  /** How often that is said by one peer. @default without end */
  readonly times?: number;
  /** @default 1 */
  readonly peers?: number;
  /** Frames said at once. @default 200 */
  readonly batch?: number;
  /** What is to come of it: it is cut, and connects again; it is cut, and stays away; it may go on. @default "cut" */
  readonly end?: "cut" | "cut for good" | "none";
  /** It makes the service hold bodies. @default false */
  readonly holds?: boolean;
}

const stream = (n: number): number => 2 * n + 1;
const begun = (n: number, next: (n: number) => Buffer): Buffer => (n === 0 ? frame(1, 4, 1, empty) : next(n));
const cancel = (n: number): Buffer => frame(3, 0, stream(n), uint32s(errorCodes.cancel));
const wide = Buffer.concat([setting(4, 2 ** 31 - 1)]);

/** The begin of a call whose message has 4,000,000 bytes, as it says. */
const claim = (n: number): Buffer =>
  Buffer.concat([
    frame(1, 4, stream(n), unary),
    frame(0, 0, stream(n), Buffer.concat([Buffer.from([0]), uint32s(4_000_000)])),
  ]);

const unfinished = Buffer.alloc(16_384);
/** A thousand frames of four bytes each, so that they count as worth a frame. */
const crumbs = Buffer.concat(Array.from({ length: 1_000 }, () => frame(0, 0, 1, Buffer.alloc(4))));

const both = callBlock(`/${service}/FullDuplexCall`);
/** Makes the handler sleep, and then messages of no bytes, as many as a frame takes. */
const asleep = (n: number): Buffer => frame(0, 0, stream(n), framed(sleep));
const empties = (n: number): Buffer => frame(0, 0, stream(n % 100), Buffer.alloc(16_380));

/** A value that goes to no table: of 16,000 bytes, so that a frame takes it. */
const largeField = Buffer.concat([Buffer.from([0, 1, 0x61, 0x7f, 0x81, 0x7c]), Buffer.alloc(16_000, "v")]);

/** A value that is sent once and then meant sixteen times, in each request. */
const bombValue = Buffer.alloc(3_900, "v");
const bombInsert = Buffer.concat([Buffer.from([0x40, 1, 0x61, 0x7f, 0xbd, 0x1d]), bombValue]);
const bomb = (n: number): Buffer =>
  callFrames(
    stream(n),
    Buffer.concat([down, ...(n === 0 ? [bombInsert] : []), Buffer.alloc(15, 0xbe)]),
    sleep,
  );

export const attacks: Readonly<Record<string, Attack>> = {
  "rapid reset": { next: (n) => Buffer.concat([callFrames(stream(n), empty, Buffer.alloc(0)), cancel(n)]) },
  "rapid reset of handlers that sleep": {
    next: (n) => Buffer.concat([callFrames(stream(n), down, sleep), cancel(n)]),
  },
  PING: { next: () => frame(6, 0, 0, Buffer.alloc(8)) },
  SETTINGS: { next: (n) => frame(4, 0, 0, setting(4, n)) },
  PRIORITY: { next: () => frame(2, 0, 1, Buffer.concat([uint32s(5), Buffer.from([1])])) },
  WINDOW_UPDATE: { next: () => frame(8, 0, 0, uint32s(1)) },
  "CONTINUATION without end": { next: (n) => (n === 0 ? frame(1, 0, 1, empty) : frame(9, 0, 1, empty)) },
  "empty CONTINUATION": { next: (n) => (n === 0 ? frame(1, 0, 1, empty) : frame(9, 0, 1)) },
  "empty DATA": { next: (n) => begun(n, () => frame(0, 0, 1)) },
  "DATA of one byte": { next: (n) => begun(n, () => frame(0, 0, 1, Buffer.alloc(1))) },
  "padded DATA": {
    next: (n) => begun(n, () => frame(0, 8, 1, Buffer.concat([Buffer.from([255]), Buffer.alloc(255)]))),
  },
  "an HPACK bomb in calls that last": { next: bomb, times: 250, peers: 20, end: "none" },
  "large heads of calls that last": {
    next: (n) => callFrames(stream(n), Buffer.concat([down, largeField]), sleep),
    times: 500,
    peers: 10,
    end: "none",
    holds: true,
  },
  "peers that never read": {
    next: (n) =>
      Buffer.concat([
        ...(n === 0 ? [frame(8, 0, 0, uint32s(2 ** 30))] : []),
        callFrames(stream(n), unary, largeReply),
      ]),
    settings: wide,
    reads: false,
    times: 250,
    peers: 20,
    end: "none",
    holds: true,
  },
  "windows of one byte": {
    next: (n) =>
      n < 250 ? callFrames(stream(n), unary, largeReply) : frame(8, 0, stream(n % 250), uint32s(1)),
    settings: setting(4, 1),
    times: 20_000,
    peers: 2,
    end: "none",
    holds: true,
  },
  "windows that stay closed": {
    next: (n) => callFrames(stream(n), unary, largeReply),
    settings: setting(4, 0),
    times: 250,
    peers: 20,
    end: "none",
    holds: true,
  },
  "messages that are never finished": {
    // 100 streams take turns; each has said that 4,000,000 bytes come
    next: (n) => (n < 100 ? claim(n) : frame(0, 0, stream(n % 100), unfinished)),
    times: 10_000,
    batch: 20,
    peers: 4,
    end: "cut for good",
    holds: true,
  },
  "a message that comes in crumbs": {
    next: (n) => (n === 0 ? claim(0) : crumbs),
    times: 950,
    batch: 10,
    peers: 2,
    end: "none",
  },
  "messages that nobody asks for": {
    next: (n) => (n < 100 ? Buffer.concat([frame(1, 4, stream(n), both), asleep(n)]) : empties(n)),
    times: 1_600,
    batch: 20,
    peers: 2,
    end: "cut for good",
    holds: true,
  },
};

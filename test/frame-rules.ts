/** What a strict proxy asks of the frames of a peer that speaks gRPC over HTTP/2 (RFC 9113, gRPC's PROTOCOL-HTTP2): what is wrong with them, in words. */
import { hpackDecoder } from "../src/h2/hpack-decoder.ts";
import type { Frame } from "./h2-wire.ts";

export interface FrameRules {
  /** The next frame of the peer. */
  read(frame: Frame): void;
  /** We have said a frame to it. */
  said(frame: Frame): void;
  readonly faults: readonly string[];
  /** All that were read, but for SETTINGS, PING and WINDOW_UPDATE, as `type stream flags`. */
  readonly story: readonly string[];
  /** Header lists by stream. */
  readonly heads: ReadonlyMap<number, readonly (readonly string[])[]>;
}

const types = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goAway: 7,
} as const;
const windowUpdate = 8;
const names = ["DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY"];
/** Flags that each type has, by RFC 9113 §6. */
const flagsOf = [0x9, 0x2d, 0, 0, 0x1, 0xc, 0x1, 0, 0, 0x4];
const endStream = 1;
const maxFrameBytes = 16_384;
const maxStreamId = 0x7f_ff_ff_ff;
const ofConnection = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

interface StreamSeen {
  heads: number;
  bodyBytes: number;
  length: number | undefined;
  ended: boolean;
  /** We have ended it. */
  weEnded: boolean;
  reset: boolean;
  /** What it may still send. */
  window: number;
}

export function frameRules(role: "server" | "client"): FrameRules {
  const decoder = hpackDecoder(1_000_000);
  const streams = new Map<number, StreamSeen>();
  const heads = new Map<number, string[][]>();
  const faults: string[] = [];
  const story: string[] = [];
  let [frames, window, initialWindow, unacked, acks, goAwayLast] = [0, 65_535, 65_535, 0, 0, maxStreamId + 1];

  const check = (isRight: boolean, what: string): void => {
    if (!isRight) faults.push(`${what} (frame ${frames}: ${story.at(-1)})`);
  };
  const streamOf = (id: number): StreamSeen => {
    const known = streams.get(id);
    if (known !== undefined) return known;
    const made: StreamSeen = {
      ...{ heads: 0, bodyBytes: 0, length: undefined, ended: false, weEnded: false, reset: false },
      window: initialWindow,
    };
    streams.set(id, made);
    return made;
  };

  const headers = (stream: StreamSeen, frame: Frame): void => {
    const { fields } = decoder.decode(frame.payload, 0, frame.payload.length);
    heads.set(frame.stream, [...(heads.get(frame.stream) ?? []), [...fields]]);
    const keys = fields.filter((_, i) => i % 2 === 0);
    const isFirst = stream.heads++ === 0;
    const ends = (frame.flags & endStream) !== 0;
    check((frame.flags & 4) !== 0, "a short header block goes on in CONTINUATION");
    check(isFirst || ends, "trailers without END_STREAM");
    const pseudo = keys.filter((key) => key.startsWith(":"));
    const wanted = !isFirst
      ? []
      : role === "server"
        ? [":status"]
        : [":authority", ":method", ":path", ":scheme"];
    check(Bun.deepEquals([...pseudo].sort(), wanted), `pseudo fields ${pseudo}`);
    check(
      keys.slice(0, pseudo.length).every((key) => key.startsWith(":")),
      "pseudo fields after others",
    );
    for (const key of keys) {
      check(key === key.toLowerCase(), `${key} has upper case`);
      check(!ofConnection.has(key), `${key} belongs to a connection`);
    }
    const te = fields[fields.indexOf("te") + 1];
    check(role === "client" ? te === "trailers" : !keys.includes("te"), "te");
    const length = fields.indexOf("content-length");
    if (length >= 0) stream.length = Number(fields[length + 1]);
    if (role === "client") {
      check(isFirst, "a client has trailers");
      return;
    }
    const hasStatus = keys.includes("grpc-status");
    check(hasStatus === ends, ends ? "an end without grpc-status" : "grpc-status before the end");
    if (isFirst) check(keys.includes("content-type"), "a head without content-type");
  };

  const data = (stream: StreamSeen, { payload, flags }: Frame): void => {
    check(stream.heads === 1, "DATA before the head, or after trailers");
    check(role === "client" || (flags & endStream) === 0, "DATA ends a reply that has trailers to come");
    check(payload.length > 0 || (flags & endStream) !== 0, "empty DATA that ends nothing");
    window -= payload.length;
    stream.window -= payload.length;
    stream.bodyBytes += payload.length;
    check(window >= 0 && stream.window >= 0, "DATA beyond a window");
  };

  const ofStream = (frame: Frame): void => {
    const { stream: id, type, flags, payload } = frame;
    const isNew = !streams.has(id);
    const stream = streamOf(id);
    check(id % 2 === 1 && (role === "client" || !isNew), "a stream that it may not open");
    check(!stream.reset, "a frame after RST_STREAM");
    check(!(stream.ended && stream.weEnded), "a frame for a stream that is closed");
    if (isNew && role === "client") {
      check(id >= Math.max(...streams.keys()), "stream ids do not grow");
      check(type === types.headers, "a stream that does not begin with HEADERS");
    }
    if (type === types.headers || type === types.data) {
      check(!stream.ended, "a frame after END_STREAM");
      if (type === types.headers) headers(stream, frame);
      else data(stream, frame);
      if ((flags & endStream) === 0) return;
      stream.ended = true;
      check(stream.length === undefined || stream.length === stream.bodyBytes, "content-length is wrong");
    } else if (type === types.reset) {
      check(payload.length === 4, "RST_STREAM of another size");
      stream.reset = true;
    }
  };

  return {
    faults,
    story,
    heads,
    read(frame) {
      const { type, flags, stream, payload } = frame;
      frames += 1;
      if (![types.settings, types.ping, windowUpdate].includes(type as 4))
        story.push(`${names[type]} ${stream}${(flags & endStream) !== 0 ? " END" : ""}`);
      check(frames > 1 || (type === types.settings && flags === 0), "SETTINGS do not come first");
      check(type < flagsOf.length && (flags & ~flagsOf[type]!) === 0, `flags ${flags} of type ${type}`);
      check(payload.length <= maxFrameBytes, "a frame too large");
      check(type !== types.push && type !== types.priority, "PUSH_PROMISE or PRIORITY");
      if (type === windowUpdate) check(payload.readUInt32BE(0) > 0, "WINDOW_UPDATE of 0");
      if (type === types.settings && flags === 1) acks += 1;
      check(acks <= unacked, "SETTINGS acknowledged that were not said");
      if (type === types.goAway) {
        const last = payload.readUInt32BE(0);
        check(last < goAwayLast, "GOAWAY does not lower the last stream");
        goAwayLast = last;
      }
      if (stream !== 0) ofStream(frame);
    },
    said({ type, flags, stream, payload }) {
      if (type === types.settings && flags === 0) {
        unacked += 1;
        for (let at = 0; at < payload.length; at += 6)
          if (payload.readUInt16BE(at) === 4) initialWindow = payload.readUInt32BE(at + 2);
      }
      if (type === windowUpdate) {
        if (stream === 0) window += payload.readUInt32BE(0);
        else streamOf(stream).window += payload.readUInt32BE(0);
      }
      if (type === types.headers) streamOf(stream);
      if ((type === types.headers || type === types.data) && (flags & endStream) !== 0)
        streamOf(stream).weEnded = true;
      if (type === types.reset) streamOf(stream).reset = true;
    },
  };
}

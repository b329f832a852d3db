/** One call on the server's side of our own engine: an exchange joined to a stream. */
import { errorCodes, type Fields as FlatFields, type Stream, type StreamListener } from "../h2/h2.ts";
import { jsonContentType, protoContentType } from "./content.ts";
import type { Exchange, Wire } from "./exchange.ts";
import { addFields, encodeText } from "./header-record.ts";
import { closeInbox, createInbox, endInbox, prefixBytes, readInbox, receive } from "./inbox.ts";
import { acceptedEncodings, deflate, minGzipBytes } from "./inflate.ts";
import type { Fields } from "./metadata.ts";

export interface Serving {
  readonly maxMessageBytes: number;
  readonly call: (wire: Wire) => Exchange;
}

const anyContentType = "application/grpc";

function headOf(contentType: string): FlatFields {
  return [":status", "200", "content-type", contentType, "grpc-accept-encoding", acceptedEncodings];
}

/** The heads of most replies; each is the same array every time, so that the engine keeps its encoded form. */
const heads = new Map(
  [anyContentType, protoContentType, jsonContentType].map((type) => [type, headOf(type)]),
);
const good: FlatFields = ["grpc-status", "0"];
const nothing: FlatFields = [];

/** Says more than a head that is shared. */
const gzipFields: Readonly<Record<string, string>> = { "grpc-encoding": "gzip" };

export function serveStream(
  stream: Stream,
  headers: Fields,
  peer: string | undefined,
  { maxMessageBytes, call }: Serving,
): StreamListener {
  const contentType = String(headers["content-type"]);
  const encoding = headers["grpc-encoding"];
  // a caller that packs its messages can unpack ours
  const packs = encoding === "gzip";
  const prefix = new Uint8Array(prefixBytes);
  let headerSent = false;
  let remoteEnded = false;

  const head = (): FlatFields => heads.get(contentType) ?? headOf(contentType);

  const wire: Wire = {
    path: String(headers[":path"] ?? ""),
    headers,
    peer,
    read: () => readInbox(inbox),
    header(fields) {
      headerSent = true;
      if (fields === undefined && !packs) return stream.send(head());
      const own: string[] = [];
      if (packs) addFields(own, gzipFields);
      if (fields !== undefined) addFields(own, fields);
      stream.send(head(), own);
    },
    message(bytes, flushed) {
      const packed = packs && bytes.length >= minGzipBytes;
      const sent = packed ? deflate(bytes) : bytes;
      framePrefix(prefix, packed, sent.length);
      if (stream.write(sent, prefix)) return flushed();
      const room = stream.ready();
      if (room === undefined) flushed();
      else void room.then(flushed);
    },
    end({ code, message, details }, trailer) {
      closeInbox(inbox);
      const own: string[] = [];
      if (code !== 0) {
        own.push("grpc-status", String(code));
        if (message !== "") own.push("grpc-message", encodeText(message));
      }
      if (details !== undefined) own.push("grpc-status-details-bin", Buffer.from(details).toString("base64"));
      if (trailer !== undefined) addFields(own, trailer);
      const shared = code === 0 ? good : nothing;
      if (headerSent) stream.endWith(shared, own.length === 0 ? undefined : own);
      else stream.endWith(head(), shared.concat(own));
      if (!remoteEnded) leaveEarly(stream);
    },
  };

  const inbox = createInbox(stream, maxMessageBytes, text(encoding), {
    message: (bytes) => exchange.message(bytes),
    ended() {
      // clients on node:http2 end a stream that they cancel, and reset it right after: it must not pass for complete
      if (exchange.endpoint?.method.requestStream) setImmediate(exchange.halfClose);
      else exchange.halfClose();
    },
    broken: (error) => exchange.broken(error),
  });
  const exchange = call(wire);
  exchange.start();

  return {
    data: (bytes, start, end) => receive(inbox, bytes, start, end),
    end() {
      remoteEnded = true;
      if (!inbox.closed) endInbox(inbox);
    },
    reset() {
      closeInbox(inbox);
      exchange.cancelled();
    },
  };
}

/** Answered before the caller has said everything: once the answer has left, it need not go on. */
function leaveEarly(stream: Stream): void {
  const leave = (): void => stream.reset(errorCodes.noError);
  const sent = stream.ready();
  if (sent === undefined) leave();
  else void sent.then(leave);
}

export function framePrefix(prefix: Uint8Array, packed: boolean, length: number): void {
  prefix[0] = packed ? 1 : 0;
  prefix[1] = length >>> 24;
  prefix[2] = length >>> 16;
  prefix[3] = length >>> 8;
  prefix[4] = length;
}

function text(value: Fields[string]): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** The codecs of gRPC messages, chosen by content type: protobuf, or JSON for callers and services without a schema. */
import type { MessageType, Method } from "../call.ts";
import { errorText, MicrorunError } from "../errors.ts";

export interface Codec {
  /** @throws MicrorunError `invalid_argument` when the bytes are no such message, `unimplemented` without a schema */
  decode(type: MessageType, bytes: Uint8Array, start?: number, end?: number): unknown;
  /** @throws MicrorunError `invalid_argument` when the value is no such message */
  encode(type: MessageType, value: unknown): Uint8Array;
}

export const protoContentType = "application/grpc+proto";
export const jsonContentType = "application/grpc+json";

/** gRPC proper: not gRPC-Web, which is the web side's (`http/grpc-web.ts`). */
export function isGrpc(contentType: string | undefined): boolean {
  return contentType !== undefined && /^application\/grpc($|[+;])/i.test(contentType);
}

/** Everything that is not JSON is protobuf, an unknown subtype too, as go-micro has it. */
export function codecOf(contentType: string): Codec {
  if (contentType === "application/grpc" || contentType === protoContentType) return protoCodec;
  return /^application\/(grpc\+)?json($|;)/i.test(contentType) ? jsonCodec : protoCodec;
}

/** The same of a method, which may be passed on. */
export function codecFor({ passing }: Method, contentType: string): Codec {
  return passing === undefined ? codecOf(contentType) : protoCodec;
}

/** What a client sends for messages of this type. */
export function contentTypeFor(type: MessageType): string {
  return type.encode === undefined ? jsonContentType : protoContentType;
}

const noSchema = (): MicrorunError =>
  new MicrorunError(
    "unimplemented",
    `the service has no .proto and cannot read protobuf: call it with content type ${jsonContentType}`,
  );

const protoCodec: Codec = {
  decode(type, bytes, start, end) {
    if (type.decode === undefined) throw noSchema();
    return type.decode(bytes, start, end);
  },
  encode(type, value) {
    if (type.encode === undefined) throw noSchema();
    return type.encode(value);
  },
};

const jsonCodec: Codec = {
  decode: (type, bytes, start, end) => type.fromJson(parse(bytes.subarray(start, end))),
  encode: (type, value) => Buffer.from(JSON.stringify(type.toJson(value))),
};

const utf8 = new TextDecoder("utf-8", { fatal: true });

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch (error) {
    throw new MicrorunError("invalid_argument", `the message is not JSON: ${errorText(error)}`);
  }
}

/** Payloads as bytes and back, by the content types that Go Micro knows and those of the web. */
import type { MessageType } from "../call.ts";
import { errorText, MicrorunError } from "../errors.ts";
import { UnreadableError } from "./delivery.ts";

/** What Go Micro publishes a message of protobuf as. */
export const protoType = "application/grpc+proto";

/** Go Micro's codecs by name; nothing said is protobuf to it. */
const isProto = (type: string): boolean =>
  /^application\/(grpc|grpc\+proto|proto|(x-)?protobuf|vnd\.google\.protobuf)$/.test(type);
const isJson = (type: string): boolean => /^application\/([\w.+-]+\+)?json$/.test(type);

const utf8 = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true });
const text = (bytes: Uint8Array): string => strict.decode(bytes);

/** `application/json; charset=utf-8` → `application/json` */
export function mediaType(contentType: string): string {
  return contentType.split(";", 1)[0]!.trim().toLowerCase();
}

export function isJsonType(contentType: string): boolean {
  return isJson(mediaType(contentType));
}

/** @throws MicrorunError `invalid_argument` for a payload that is not what `type` or `contentType` says */
export function encodePayload(
  payload: unknown,
  type: MessageType | undefined,
  contentType: string | undefined,
): { body: Uint8Array; contentType: string } {
  const bytes = payload instanceof Uint8Array;
  const usual = bytes
    ? "application/octet-stream"
    : type?.encode === undefined
      ? "application/json"
      : protoType;
  const chosen = contentType ?? usual;
  const media = mediaType(chosen);
  if (bytes) return { body: payload, contentType: chosen };
  if (isJson(media))
    return { body: utf8.encode(jsonText(type?.toJson(payload) ?? payload)), contentType: chosen };
  if (isProto(media) && type?.encode !== undefined)
    return { body: type.encode(payload), contentType: chosen };
  if (media.startsWith("text/") && typeof payload === "string")
    return { body: utf8.encode(payload), contentType: chosen };
  throw new MicrorunError("invalid_argument", `publish: no payload of ${chosen} can be made`, {
    hint: isProto(media) ? "name its protobuf message as type" : "give its bytes, a Uint8Array",
  });
}

/** @throws UnreadableError */
export function decodePayload(
  body: Uint8Array,
  contentType: string | undefined,
  type: MessageType | "bytes" | undefined,
): unknown {
  const media = mediaType(contentType ?? "");
  if (type === "bytes" || media === "application/octet-stream") {
    return type === undefined || type === "bytes" ? body : decoded(body, type);
  }
  // what bears no type is Go Micro's protobuf where that is expected, else it was written by hand
  if (isProto(media) || (media === "" && type?.decode !== undefined)) {
    if (type?.decode === undefined)
      throw new UnreadableError(
        `${contentType}: the subscription names no protobuf message`,
        "name it as type of the subscription, or bytes",
      );
    return decoded(body, type);
  }
  if (isJson(media) || media === "") return fromJson(body, type);
  if (media.startsWith("text/")) return readable("text", () => text(body));
  throw new UnreadableError(
    `content type ${JSON.stringify(contentType?.slice(0, 80))} is not known`,
    "take its bytes: bytes as type of the subscription",
  );
}

/** The payload of an event without data: nothing, or the empty message. @throws UnreadableError */
export function emptyPayload(type: MessageType | "bytes" | undefined): unknown {
  if (type === undefined) return null;
  const nothing = new Uint8Array();
  if (type === "bytes") return nothing;
  return readable(type.name, () => (type.decode === undefined ? type.fromJson({}) : type.decode(nothing)));
}

function decoded(body: Uint8Array, type: MessageType): unknown {
  return readable(type.name, () => type.decode?.(body) ?? fromJson(body, type));
}

function fromJson(body: Uint8Array, type: MessageType | undefined): unknown {
  const json: unknown = readable("JSON", () => JSON.parse(text(body)));
  return type === undefined ? json : readable(type.name, () => type.fromJson(json));
}

function readable<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof UnreadableError) throw error;
    throw new UnreadableError(`not ${what}: ${faultText(error)}`);
  }
}

function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value ?? null) ?? "null";
  } catch (error) {
    throw new MicrorunError("invalid_argument", `publish: the payload is not JSON: ${faultText(error)}`);
  }
}

/** A stack that overflows says nothing of what was read. */
export function faultText(error: unknown): string {
  return error instanceof RangeError ? "nested too deep" : errorText(error);
}

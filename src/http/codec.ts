/** How one message is written in a body: JSON, or protobuf where there is a schema. */
import type { Method } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import type { Log } from "../log.ts";
import { tooLarge } from "./body.ts";
import { jsonFault } from "./json-fault.ts";

export interface Codec {
  readonly name: "json" | "proto";
  /** @throws MicrorunError `invalid_argument` */
  decode(method: Method, bytes: Uint8Array): unknown;
  /** May throw anything. */
  encode(method: Method, value: unknown): Uint8Array;
}

export const jsonCodec: Codec = {
  name: "json",
  decode: ({ request }, bytes) => request.fromJson(parseJson(bytes)),
  encode: ({ response }, value) => utf8Bytes.encode(JSON.stringify(response.toJson(value))),
};

/** For methods with a schema only. */
const protoCodec: Codec = {
  name: "proto",
  decode: ({ request }, bytes) => request.decode?.(bytes),
  encode: ({ response }, value) => response.encode?.(value) ?? new Uint8Array(),
};

const hasSchema = ({ request, response }: Method): boolean =>
  request.decode !== undefined && response.encode !== undefined;

/** The codec by Connect's name for it. Undefined: this method cannot be called so. */
export function codecNamed(name: string, method: Method): Codec | undefined {
  if (name === "json") return jsonCodec;
  return name === "proto" && hasSchema(method) ? protoCodec : undefined;
}

export function codecNames(method: Method): readonly string[] {
  return hasSchema(method) ? ["json", "proto"] : ["json"];
}

/** A content type without its parameters; empty when there is none. */
export function mediaType(headers: Headers): string {
  const said = headers.get("content-type");
  if (said === null || said === "application/json") return said ?? "";
  const [type = ""] = said.split(";", 1);
  return type.trim().toLowerCase();
}

/** @throws MicrorunError `internal` when it does not fit its type (logged), `resource_exhausted` when it is too large */
export function encodeReply(
  codec: Codec,
  method: Method,
  reply: unknown,
  { log, maxBodyBytes }: { log: Log; maxBodyBytes: number },
): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = codec.encode(method, reply);
  } catch (error) {
    log.error(`${method.service}.${method.name}: the handler's reply does not fit its type`, { error });
    throw new MicrorunError("internal", "internal error", { cause: error });
  }
  if (bytes.length > maxBodyBytes) throw tooLarge("reply", maxBodyBytes);
  return bytes;
}

const utf8Bytes = new TextEncoder();
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** @throws MicrorunError `invalid_argument`, with the place in the text */
export function parseJson(bytes: Uint8Array): unknown {
  if (bytes.length === 0)
    throw new MicrorunError("invalid_argument", "request body: empty, where JSON is expected", {
      hint: "send {} for an empty message",
    });
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw new MicrorunError("invalid_argument", "request body: not UTF-8");
  }
  try {
    return JSON.parse(text);
  } catch {
    const fault = jsonFault(text);
    const what = fault
      ? `invalid JSON at line ${fault.line}, column ${fault.column}: ${fault.why}`
      : "invalid JSON: nested too deeply";
    throw new MicrorunError("invalid_argument", `request body: ${what}`);
  }
}

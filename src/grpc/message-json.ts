/** Handler values ↔ canonical proto3 JSON. Both ways go through the bytes, so that JSON and protobuf cannot disagree. */
import protobuf from "protobufjs";
import protojson from "protobufjs/ext/protojson.js";
import type { MessageType } from "../call.ts";
import { errorText, MicrorunError } from "../errors.ts";
import { decodeMessage, encodeMessage, unknownField } from "./message.ts";
import type { CodecOf } from "./message-field.ts";
import { fromBase64, invalid } from "./scalar.ts";

export function messageType(type: protobuf.Type, codecOf: CodecOf): MessageType {
  const name = type.fullName.slice(1);
  const codec = codecOf(type);
  return {
    name,
    decode: (bytes) => decodeMessage(codec, name, bytes),
    encode: (value) => encodeMessage(codec, name, value),
    fromJson(json) {
      try {
        return decodeMessage(codec, name, type.encode(protojson.fromJson(type, json)).finish());
      } catch (error) {
        throw jsonError(type, json, error);
      }
    },
    toJson(value) {
      const bytes = encodeMessage(codec, name, value);
      try {
        return protojson.toJson(type, type.decode(bytes));
      } catch (error) {
        throw jsonError(type, undefined, error);
      }
    },
  };
}

/** protojson says `.greeter.HelloRequest.name: expected string: 5`, and for base64 not even where. */
function jsonError(type: protobuf.Type, json: unknown, error: unknown): MicrorunError {
  if (error instanceof MicrorunError) return error;
  const text = errorText(error);
  const [, path, why = "", given] =
    /^\.?([\w.]+): (.+?)(?:: ("(?:[^"\\]|\\.)*"|[[{].*|[^ ]+))?$/s.exec(text) ?? [];
  if (path === undefined) {
    const field = badBytes(type, json, 0);
    return field === undefined
      ? invalid(type.fullName.slice(1), text)
      : invalid(field, "base64 is expected, got another string");
  }
  if (why === "unknown field") return unknownField(path, String(parsed(given)), fieldNames(type.root, path));
  const expected = /^expected (.*)$/.exec(why)?.[1];
  if (expected !== undefined)
    return invalid(
      path,
      `${/^[aeiou]/.test(expected) ? "an" : "a"} ${expected} is expected, got ${kindOf(parsed(given))}`,
    );
  return invalid(path, given === undefined ? why : `${why}: ${given.slice(0, 60)}`);
}

function parsed(json: string | undefined): unknown {
  try {
    return JSON.parse(json ?? "");
  } catch {
    return undefined;
  }
}

function kindOf(json: unknown): string {
  return json === null ? "null" : Array.isArray(json) ? "array" : typeof json;
}

function fieldNames(root: protobuf.Root, path: string): string[] {
  const type = root.lookup(`.${path}`);
  return type instanceof protobuf.Type ? type.fieldsArray.map((field) => field.jsonName ?? field.name) : [];
}

/** The first bytes field whose text is no base64. */
function badBytes(type: protobuf.Type, json: unknown, depth: number): string | undefined {
  if (typeof json !== "object" || json === null || depth > protobuf.util.recursionLimit) return undefined;
  for (const [key, value] of Object.entries(json)) {
    const field = type.fieldsArray.find((one) => one.jsonName === key || one.protoName === key);
    if (field === undefined) continue;
    const items: unknown[] = Array.isArray(value)
      ? value
      : field.map && value
        ? Object.values(value)
        : [value];
    for (const item of items) {
      if (field.type === "bytes" && typeof item === "string" && fromBase64(item) === undefined)
        return field.fullName.slice(1);
      const within =
        field.resolvedType instanceof protobuf.Type
          ? badBytes(field.resolvedType, item, depth + 1)
          : undefined;
      if (within !== undefined) return within;
    }
  }
  return undefined;
}

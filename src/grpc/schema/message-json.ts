/** Handler values ↔ canonical proto3 JSON. Both ways go through the bytes, so that JSON and protobuf cannot disagree; what was decoded just now need not. */
import protobuf from "protobufjs";
import protojson from "protobufjs/ext/protojson.js";
import type { Field, MessageType } from "../../call.ts";
import { errorText, MicrorunError } from "../../errors.ts";
import { fieldValues, jsonCheck } from "./json-check.ts";
import { realJson } from "./json-reals.ts";
import { messageSchema } from "./json-schema.ts";
import { decodeMessage, encodeMessage, lender, unknownField } from "./message.ts";
import type { CodecOf } from "./message-field.ts";
import { messageFields } from "./message-fields.ts";
import { plainJson } from "./plain-json.ts";
import { plainValue } from "./plain-value.ts";
import { fromBase64, invalid, kindOf } from "./scalar.ts";
import { messageShape } from "./shape.ts";
import { isSpecial } from "./well-known.ts";

const maxShown = 60;

/** @param typeOf the types of other messages of the schema, each made once. @default made anew */
export function messageType(
  type: protobuf.Type,
  codecOf: CodecOf,
  typeOf = (inner: protobuf.Type): MessageType => messageType(inner, codecOf),
): MessageType {
  const name = type.fullName.slice(1);
  const codec = codecOf(type);
  const lend = lender();
  const check = jsonCheck(type);
  const reals = realJson(type);
  const encode = (value: unknown): Uint8Array =>
    lend((writer) => encodeMessage(codec, name, value, 0, writer));
  let plain: ReturnType<typeof plainJson> | "unasked" = "unasked";
  let read: ReturnType<typeof plainValue> | undefined;
  let fields: readonly Field[] | undefined;
  const toJson = (value: unknown): unknown => {
    const bytes = encode(value);
    try {
      return reals.toJson(type.decode(bytes));
    } catch (error) {
      throw jsonError(type, undefined, error);
    }
  };
  return {
    name,
    decode: (bytes, start, end) => decodeMessage(codec, name, bytes, 0, start, end),
    decodeJson(bytes, start, end) {
      const value = decodeMessage(codec, name, bytes, 0, start, end);
      if (plain === "unasked") plain = plainJson(type);
      return (plain ?? toJson)(value);
    },
    encode,
    fromJson(json) {
      read ??= plainValue(type, (inner) => codecOf(inner).zero() as Record<string, unknown>);
      const value = read(json);
      if (value !== undefined) return value;
      check(json);
      try {
        const message = reals.fromJson(json);
        return lend((writer) => decodeMessage(codec, name, type.encode(message, writer).finish(true)));
      } catch (error) {
        throw jsonError(type, json, error);
      }
    },
    toJson,
    shape: () => messageShape(type),
    schema: () => messageSchema(type),
    fields: () => (fields ??= messageFields(type, typeOf)),
  };
}

/** protojson says `.greeter.HelloRequest.name: expected string: 5`; of base64 and well-known types not even where. */
function jsonError(type: protobuf.Type, json: unknown, error: unknown): MicrorunError {
  if (error instanceof MicrorunError) return error;
  const text = errorText(error);
  const { said, why, given } = split(text);
  const placed = said !== undefined && !said.startsWith("google.protobuf.");
  const path = (placed ? said : culprit(type, json)) ?? said ?? type.fullName.slice(1);
  if (why === "unknown field") return unknownField(path, String(parsed(given)), fieldNames(type.root, path));
  const expected = /^expected (.*)$/.exec(why)?.[1];
  if (expected !== undefined) {
    const article = /^[aeiou]/.test(expected) ? "an" : "a";
    return invalid(path, `${article} ${expected} is expected, got ${kindOf(parsed(given))}`);
  }
  // of a JSON text: it stands there as null
  if (why === "number out of range") return invalid(path, why);
  if (why === "invalid encoding") return invalid(path, "the string is not base64");
  return invalid(path, given === undefined ? why : `${why}: ${given.slice(0, maxShown)}`);
}

/** `.name: why: json`, the last as long as what the caller sent. */
function split(text: string): { said?: string; why: string; given?: string } {
  const first = text.indexOf(": ");
  const second = text.indexOf(": ", first + 2);
  const said = text.slice(0, Math.max(first, 0)).replace(/^\./, "");
  if (!/^[\w.]+$/.test(said)) return { why: text };
  if (second < 0) return { said, why: text.slice(first + 2) };
  return { said, why: text.slice(first + 2, second), given: text.slice(second + 2) };
}

function parsed(json: string | undefined): unknown {
  try {
    return JSON.parse(json ?? "");
  } catch {
    return undefined;
  }
}

function fieldNames(root: protobuf.Root, path: string): string[] {
  const type = root.lookup(`.${path}`);
  return type instanceof protobuf.Type ? type.fieldsArray.map((field) => field.jsonName ?? field.name) : [];
}

/** The field whose value protojson refuses without a word of where: bytes, or a type with a form of its own. */
function culprit(type: protobuf.Type, json: unknown): string | undefined {
  for (const [field, value] of fieldValues(type, json))
    if (!fits(field, value)) return field.fullName.slice(1);
  return undefined;
}

function fits(field: protobuf.Field, json: unknown): boolean {
  if (field.type === "bytes") return typeof json !== "string" || fromBase64(json) !== undefined;
  if (!(field.resolvedType instanceof protobuf.Type) || !isSpecial(field.resolvedType)) return true;
  try {
    protojson.fromJson(field.resolvedType, json);
    return true;
  } catch {
    return false;
  }
}

/**
 * The handler's side of google.protobuf's well-known types.
 *
 * | type | read as | also taken |
 * |---|---|---|
 * | Timestamp | `{ seconds: bigint, nanos: number }` | `Date`, RFC 3339 string |
 * | Duration | `{ seconds: bigint, nanos: number }` | `"1.5s"` |
 * | FieldMask | `{ paths: string[] }` | `"user.name,id"` |
 * | wrappers (StringValue, …) | the value itself, absent when unset | `{ value }` |
 * | Struct, ListValue, Value | plain JSON; `null` in a Value is JSON's null | |
 * | Any | `{ "@type": url, …fields }`, with `value` for a type that has a form of its own | `{ typeUrl, value: bytes }` |
 *
 * An Any of a type that the schema does not know is `{ typeUrl, value: bytes }`.
 */
import protobuf from "protobufjs";
import protojson from "protobufjs/ext/protojson.js";
import { decodeMessage, encodeMessage, type Special } from "./message.ts";
import { type CodecOf, isRecord, type Value } from "./message-field.ts";
import { invalid, mismatch } from "./scalar.ts";

const wrappers = ["Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes"];
const specialNames = new Set([
  ...wrappers.map((name) => `${name}Value`),
  "Timestamp",
  "Duration",
  "FieldMask",
  "Struct",
  "Value",
  "ListValue",
  "Any",
]);

/** Its JSON is not an object of its fields; within an Any it then stands under `value`. */
export function isSpecial(type: protobuf.Type): boolean {
  return type.fullName.startsWith(".google.protobuf.") && specialNames.has(type.name);
}

export function wellKnown(type: protobuf.Type, codecOf: CodecOf): Special | undefined {
  if (!isSpecial(type)) return undefined;
  switch (type.name) {
    case "Timestamp":
      return fromText(type, "a Date, an RFC 3339 string or { seconds, nanos }", (value, name) => {
        if (!(value instanceof Date)) return value;
        const ms = value.getTime();
        if (Number.isNaN(ms)) throw invalid(name, "the Date is invalid");
        const seconds = Math.floor(ms / 1000);
        return { seconds, nanos: (ms - seconds * 1000) * 1e6 };
      });
    case "Duration":
      return fromText(type, 'a string like "1.5s" or { seconds, nanos }');
    case "FieldMask":
      return fromText(type, 'a string like "user.name,id" or { paths }');
    case "Struct":
      return {
        from: (value) => (isPlain(value) ? { fields: value } : value),
        to: (message) => message.fields,
      };
    case "ListValue":
      return {
        from(value, name) {
          if (!Array.isArray(value)) throw mismatch(name, "an array", value);
          return { values: value };
        },
        to: (message) => message.values,
      };
    case "Value":
      return { nullable: true, from: jsonKind, to: (message) => onlyValue(message) };
    case "Any":
      return any(type, codecOf);
    default:
      return {
        from(value, name) {
          if (value === null || value === undefined) throw mismatch(name, "a value", value);
          return isPlain(value) ? value : { value };
        },
        to: (message) => message.value,
      };
  }
}

function isPlain(value: unknown): value is Value {
  return typeof value === "object" && value !== null && isRecord(value);
}

function fromText(
  type: protobuf.Type,
  expected: string,
  more: (value: unknown, name: string) => unknown = (value) => value,
): Special {
  return {
    from(value, name) {
      if (typeof value !== "string") {
        const message = more(value, name);
        if (isPlain(message)) return message;
        throw mismatch(name, expected, value);
      }
      try {
        return { ...protojson.fromJson(type, value) };
      } catch {
        throw invalid(name, `${expected} is expected, got "${value.slice(0, 60)}"`);
      }
    },
    to: (message) => message,
  };
}

function jsonKind(value: unknown, name: string): unknown {
  if (value === null) return { nullValue: 0 };
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw invalid(name, `${value} is not a JSON value`);
    return { numberValue: value };
  }
  if (Array.isArray(value)) return { listValue: value };
  if (isPlain(value)) return { structValue: value };
  throw mismatch(name, "a JSON value", value);
}

/** A Value without any kind, which its definition forbids, reads as null. */
function onlyValue(message: Value): unknown {
  for (const [kind, value] of Object.entries(message)) return kind === "nullValue" ? null : value;
  return null;
}

/** The message that an Any's type URL names, when the schema has it. */
export function anyType(root: protobuf.Root, url: string): protobuf.Type | undefined {
  const name = `.${url.slice(url.lastIndexOf("/") + 1)}`;
  const found = root.lookup(name);
  return found instanceof protobuf.Type && found.fullName === name ? found : undefined;
}

function any(self: protobuf.Type, codecOf: CodecOf): Special {
  const find = (url: string): protobuf.Type | undefined => anyType(self.root, url);
  return {
    from(value, name, depth) {
      if (!isPlain(value)) throw mismatch(name, 'an object with "@type"', value);
      const { "@type": url, ...fields } = value;
      if (url === undefined) return value;
      if (typeof url !== "string") throw mismatch(`${name}.@type`, "a string", url);
      const type = find(url);
      if (type === undefined)
        throw invalid(`${name}.@type`, `the schema has no message ${url.slice(0, 100)}`);
      const inner = type.fullName.slice(1);
      return {
        typeUrl: url.includes("/") ? url : `type.googleapis.com/${url}`,
        value: encodeMessage(codecOf(type), inner, isSpecial(type) ? fields.value : fields, depth + 1),
      };
    },
    to(message, depth) {
      const url = message.typeUrl as string;
      const type = find(url);
      if (type === undefined) return message;
      const inner = decodeMessage(
        codecOf(type),
        type.fullName.slice(1),
        message.value as Uint8Array,
        depth + 1,
      );
      return isSpecial(type) ? { "@type": url, value: inner } : { "@type": url, ...(inner as Value) };
    },
  };
}

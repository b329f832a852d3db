/** The options of a `.proto`, custom ones too, as values of descriptor.proto's option messages. */
import { Buffer } from "node:buffer";
import protobuf from "protobufjs";
import { encodeMessage } from "./message.ts";
import type { CodecOf, Value } from "./message-field.ts";
import { lookup, ownFields, type Symbols } from "./proto-links.ts";

/**
 * @param message `FieldOptions`
 * @param scope full name of what has the options: the names of custom ones are relative to it
 * @param given as protobufjs parsed them; without any there is no message either
 */
export type OptionReader = (
  message: string,
  scope: string,
  given: readonly Record<string, unknown>[] | null | undefined,
) => Value | undefined;

export function optionReader(meta: protobuf.Root, codecOf: CodecOf, symbols: Symbols): OptionReader {
  const isExtension = (object: protobuf.ReflectionObject): boolean =>
    object instanceof protobuf.Field && object.extend !== undefined;
  return (message, scope, given) => {
    if (!given?.length) return undefined;
    const type = meta.lookupType(`.google.protobuf.${message}`);
    const codec = codecOf(type);
    const options: Value = {};
    for (const [name, raw] of given.flatMap((option) => Object.entries(option))) {
      const custom = /^\((.*)\)$/.exec(name)?.[1];
      const field =
        custom === undefined
          ? type.fields[name]
          : lookup(symbols, scope.replace(/^\./, ""), custom, isExtension);
      if (!(field instanceof protobuf.Field)) continue;
      const key = custom === undefined ? name : `[${field.fullName.slice(1)}]`;
      const value = textValue(field, raw);
      const before = options[key];
      const both =
        Array.isArray(before) && Array.isArray(value)
          ? [...before, ...value]
          : isMessage(before) && isMessage(value)
            ? { ...before, ...value }
            : value;
      // An option that cannot be told must not take reflection away.
      if (encodes(() => encodeMessage(codec, message, { [key]: both }))) options[key] = both;
    }
    return Object.keys(options).length === 0 ? undefined : options;
  };
}

function encodes(attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch {
    return false;
  }
}

function isMessage(value: unknown): value is Value {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  );
}

/** A value in protobuf's text form, as protobufjs leaves it, → a handler value. */
function textValue(field: protobuf.Field, raw: unknown): unknown {
  field.resolve();
  const items = [raw].flat();
  if (field.map)
    return Object.fromEntries(
      items.filter(isMessage).map((entry) => [entry.key, single(field, entry.value)]),
    );
  return field.repeated ? items.map((item) => single(field, item)) : single(field, raw);
}

function single(field: protobuf.Field, raw: unknown): unknown {
  const type = field.resolvedType;
  if (type instanceof protobuf.Type) return isMessage(raw) ? fieldsOf(type, raw) : raw;
  if (field.type === "bytes" && typeof raw === "string")
    return Buffer.from(raw, /[^\0-\xff]/.test(raw) ? "utf8" : "latin1");
  if (field.type === "string" && raw !== undefined) return String(raw);
  if (field.type.endsWith("64") && (Number.isInteger(raw) || isWhole(raw)))
    return BigInt(raw as number | string);
  return isReal(field) && isWhole(raw) ? Number(raw) : raw;
}

/** A number too large for one, which was kept as a text. */
function isWhole(raw: unknown): boolean {
  return typeof raw === "string" && /^-?\d+$/.test(raw);
}

function isReal({ type }: protobuf.Field): boolean {
  return type === "float" || type === "double";
}

function fieldsOf(type: protobuf.Type, raw: Value): Value {
  const fields = ownFields(type);
  const entries = Object.entries(raw).map(([key, value]): [string, unknown] => {
    if (key.startsWith("[")) {
      const extension = type.fields[`.${key.slice(1, -1)}`];
      return [key, extension === undefined ? value : textValue(extension, value)];
    }
    // A group goes by its type's name.
    const field = fields.find((one) => one.resolve().protoName === key || one.resolvedType?.name === key);
    return field === undefined ? [key, value] : [field.protoName ?? key, textValue(field, value)];
  });
  return Object.fromEntries(entries);
}

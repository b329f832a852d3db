/** Decoded messages to canonical proto3 JSON without the way through bytes: for types whose JSON is that of their fields. */
import protobuf from "protobufjs";
import { shortFloat } from "./float-text.ts";
import { isSpecial } from "./well-known.ts";

type Value = Record<string, unknown>;
type ToJson = (value: unknown) => unknown;

interface FieldWriter {
  /** The same in handler values and in JSON. */
  readonly key: string;
  /** Undefined: the field does not appear. */
  readonly write: ToJson;
}

/** Undefined where something in the type, or in what it is made of, has a form of its own. */
export function plainJson(type: protobuf.Type): ToJson | undefined {
  return isPlain(type, new Set()) ? messageWriter(type, new Map()) : undefined;
}

function isPlain(type: protobuf.Type, seen: Set<protobuf.Type>): boolean {
  if (seen.has(type)) return true;
  seen.add(type);
  if (isSpecial(type)) return false;
  return type.fieldsArray.every((field) => {
    const { resolvedType } = field.resolve();
    if (field.declaringField || field.name.startsWith(".") || keyOf(field) in Object.prototype) return false;
    if (resolvedType instanceof protobuf.Enum) return hasPlainNames(resolvedType);
    return !(resolvedType instanceof protobuf.Type) || isPlain(resolvedType, seen);
  });
}

/** One name for each number: of several, JSON and handlers need not choose the same. */
function hasPlainNames({ fullName, values, valuesOptions }: protobuf.Enum): boolean {
  const numbers = Object.values(values);
  return (
    fullName !== ".google.protobuf.NullValue" &&
    new Set(numbers).size === numbers.length &&
    Object.keys(valuesOptions ?? {}).length === 0
  );
}

function messageWriter(type: protobuf.Type, known: Map<protobuf.Type, ToJson>): ToJson {
  const before = known.get(type);
  if (before !== undefined) return before;
  let fields: readonly FieldWriter[] = [];
  const write: ToJson = (value) => {
    const json: Value = {};
    for (const field of fields) {
      const written = field.write((value as Value)[field.key]);
      if (written !== undefined) json[field.key] = written;
    }
    return json;
  };
  // it may hold itself
  known.set(type, write);
  fields = type.fieldsArray.map((field) => fieldWriter(field, known));
  return write;
}

function fieldWriter(field: protobuf.Field, known: Map<protobuf.Type, ToJson>): FieldWriter {
  const { resolvedType } = field;
  const key = keyOf(field);
  const one =
    resolvedType instanceof protobuf.Type ? messageWriter(resolvedType, known) : scalarWriter(field.type);
  if (field instanceof protobuf.MapField) return { key, write: (value) => mapJson(value as Value, one) };
  if (field.repeated) return { key, write: (value) => listJson(value as readonly unknown[], one) };
  if (field.hasPresence || resolvedType instanceof protobuf.Type)
    return { key, write: (value) => (value === undefined ? undefined : one(value)) };
  if (field.type === "bytes")
    return { key, write: (value) => ((value as Uint8Array).length === 0 ? undefined : one(value)) };
  const zero = zeroOf(field);
  return { key, write: (value) => (value === zero ? undefined : one(value)) };
}

function keyOf({ jsonName, name }: protobuf.Field): string {
  return jsonName ?? name;
}

function listJson(values: readonly unknown[], one: ToJson): unknown {
  return values.length === 0 ? undefined : values.map(one);
}

function mapJson(map: Value, one: ToJson): unknown {
  const entries = Object.entries(map);
  return entries.length === 0
    ? undefined
    : Object.fromEntries(entries.map(([key, value]) => [key, one(value)]));
}

function scalarWriter(type: string): ToJson {
  if (/64$/.test(type)) return String;
  if (type === "double") return (value) => (Number.isFinite(value) ? value : String(value));
  if (type === "float")
    return (value) => (Number.isFinite(value) ? shortFloat(value as number) : String(value));
  if (type === "bytes") return (value) => base64(value as Uint8Array);
  return (value) => value;
}

/** What a field of implicit presence is when it is unset. */
function zeroOf({ type, resolvedType }: protobuf.Field): unknown {
  if (resolvedType instanceof protobuf.Enum) return resolvedType.valuesById[0] ?? 0;
  if (/64$/.test(type)) return 0n;
  if (type === "string") return "";
  return type === "bool" ? false : 0;
}

function base64({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}

/** Canonical proto3 JSON to handler values without the way through bytes, for what most requests are made of; the rest goes that way. */
import protobuf from "protobufjs";
import { isSpecial } from "./well-known.ts";

type Value = Record<string, unknown>;

/** Gives undefined for what it does not take: it may be right all the same. */
type Read = (json: unknown, depth: number) => unknown;

/** Messages within messages; deeper ones go the long way, which says where it is too deep. */
const maxDepth = 32;

/** @param empty a message of a type with nothing set, as handlers see it */
export function plainValue(
  type: protobuf.Type,
  empty: (type: protobuf.Type) => Value,
): (json: unknown) => unknown {
  const read = messageReader(type, empty, new Map());
  return (json) => read(json, 0);
}

function messageReader(
  type: protobuf.Type,
  empty: (type: protobuf.Type) => Value,
  known: Map<protobuf.Type, Read>,
): Read {
  const before = known.get(type);
  if (before !== undefined) return before;
  const fields = new Map<string, Read>();
  const isPlain = !isSpecial(type) && type.fieldsArray.every(({ required }) => !required);
  const read: Read = (json, depth) => {
    if (!isPlain || depth > maxDepth) return undefined;
    if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
    const value = empty(type);
    for (const key in json) {
      const field = fields.get(key)?.((json as Value)[key], depth + 1);
      if (field === undefined) return undefined;
      value[key] = field;
    }
    return value;
  };
  // it may hold itself
  known.set(type, read);
  for (const field of type.fieldsArray) {
    const { resolvedType } = field.resolve();
    const key = field.jsonName ?? field.name;
    const isMember = (field.partOf?.fieldsArray.length ?? 0) > 1;
    if (isMember || field.declaringField || field.map || key in Object.prototype) continue;
    const one =
      resolvedType instanceof protobuf.Type ? messageReader(resolvedType, empty, known) : scalarReader(field);
    if (one !== undefined) fields.set(key, field.repeated ? (json, depth) => listOf(json, one, depth) : one);
  }
  return read;
}

function listOf(json: unknown, one: Read, depth: number): unknown {
  if (!Array.isArray(json)) return undefined;
  const values: unknown[] = [];
  for (const item of json) {
    const value = one(item, depth);
    if (value === undefined) return undefined;
    values.push(value);
  }
  return values;
}

function scalarReader({ type, resolvedType }: protobuf.Field): Read | undefined {
  if (resolvedType instanceof protobuf.Enum) return enumReader(resolvedType);
  switch (type) {
    case "string":
      return (json) => (typeof json === "string" && json.isWellFormed() ? json : undefined);
    case "bool":
      return (json) => (typeof json === "boolean" ? json : undefined);
    case "double":
      return (json) => (Number.isFinite(json) ? json : undefined);
    case "float":
      return (json) => (typeof json === "number" ? rounded(json) : undefined);
    case "int32":
    case "sint32":
    case "sfixed32":
      return (json) => (typeof json === "number" && json === (json | 0) ? json | 0 : undefined);
    case "uint32":
    case "fixed32":
      return (json) => (typeof json === "number" && json === json >>> 0 ? json >>> 0 : undefined);
    default:
      return undefined;
  }
}

function rounded(json: number): number | undefined {
  const value = Math.fround(json);
  return Number.isFinite(value) ? value : undefined;
}

/** Names that stand for a number of their own. */
function enumReader({ fullName, values, valuesOptions }: protobuf.Enum): Read | undefined {
  const numbers = Object.values(values);
  if (fullName === ".google.protobuf.NullValue" || new Set(numbers).size < numbers.length) return undefined;
  if (Object.keys(valuesOptions ?? {}).length > 0) return undefined;
  const names = new Set(Object.keys(values));
  return (json) => (typeof json === "string" && names.has(json) ? json : undefined);
}

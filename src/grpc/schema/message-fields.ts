/** The fields of a message as REST names them, and the JSON of what is written for them in paths and query strings. */
import protobuf from "protobufjs";
import type { Field, MessageType } from "../../call.ts";
import { isSpecial } from "./well-known.ts";

type FromText = (text: string) => unknown;

export function messageFields(
  type: protobuf.Type,
  typeOf: (type: protobuf.Type) => MessageType,
): readonly Field[] {
  if (isSpecial(type)) return [];
  return type.fieldsArray.map((field) => {
    const { resolvedType } = field.resolve();
    const fromText = reader(field.type, resolvedType);
    return {
      name: field.protoName ?? field.name,
      jsonName: field.jsonName ?? field.name,
      shape: field.map ? "map" : field.repeated ? "list" : "one",
      ...(fromText === undefined ? {} : { fromText }),
      ...(resolvedType instanceof protobuf.Type ? { message: typeOf(resolvedType) } : {}),
      unset: unsetOf(field),
    };
  });
}

/** Types of google.protobuf whose JSON is one text. */
const texts = new Set(["Timestamp", "Duration", "FieldMask", "StringValue", "BytesValue", "Value"]);

function reader(type: string, resolved: protobuf.ReflectionObject | null): FromText | undefined {
  if (resolved instanceof protobuf.Enum) return (text) => (/^-?\d+$/.test(text) ? Number(text) : text);
  if (!(resolved instanceof protobuf.Type)) return type === "bool" ? bool : asIs;
  if (!isSpecial(resolved)) return undefined;
  if (texts.has(resolved.name)) return asIs;
  const { value } = resolved.fields;
  return value === undefined || resolved.name === "Any" ? undefined : reader(value.type, null);
}

/** JSON takes numbers as texts, too. */
const asIs: FromText = (text) => text;

const bool: FromText = (text) => (text === "true" ? true : text === "false" ? false : text);

/** The JSON of a field's default value, where the reply's JSON leaves it out. */
function unsetOf(field: protobuf.Field): unknown {
  if (field.map) return {};
  if (field.repeated) return [];
  const { resolvedType, type } = field;
  if (resolvedType instanceof protobuf.Enum) return resolvedType.valuesById[0] ?? 0;
  if (resolvedType instanceof protobuf.Type) return isSpecial(resolvedType) ? null : {};
  if (type === "string" || type === "bytes") return "";
  if (type === "bool") return false;
  return type.endsWith("64") ? "0" : 0;
}

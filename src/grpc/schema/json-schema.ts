/** A message type as JSON Schema (2020-12) of its proto3 JSON: what forms are made from. */
import protobuf from "protobufjs";
import type { JsonSchema } from "../../call.ts";
import { isSpecial } from "./well-known.ts";

/** Messages described within one schema; the fields of further ones are not. */
const maxTypes = 200;

const text = (format: string): JsonSchema => ({ type: "string", format });
const int32: JsonSchema = {
  type: "integer",
  format: "int32",
  minimum: -2_147_483_648,
  maximum: 2_147_483_647,
};
// what knows formats knows no uint32, and a signed number of 32 bits is too small for it
const uint32: JsonSchema = { type: "integer", format: "int64", minimum: 0, maximum: 4_294_967_295 };
const int64: JsonSchema = { ...text("int64"), pattern: "^-?\\d+$" };
const uint64: JsonSchema = { ...text("uint64"), pattern: "^\\d+$" };
const float: JsonSchema = { type: "number", format: "float" };
const double: JsonSchema = { type: "number", format: "double" };

const scalars: Readonly<Record<string, JsonSchema>> = {
  double,
  float,
  int32,
  sint32: int32,
  sfixed32: int32,
  uint32,
  fixed32: uint32,
  int64,
  sint64: int64,
  sfixed64: int64,
  uint64,
  fixed64: uint64,
  bool: { type: "boolean" },
  string: { type: "string" },
  bytes: text("byte"),
};

/** Types of google.protobuf with a JSON of their own. */
const special: Readonly<Record<string, JsonSchema>> = {
  Timestamp: text("date-time"),
  // no format: JSON Schema's `duration` is ISO 8601's
  Duration: { type: "string", pattern: "^-?\\d+(\\.\\d{1,9})?s$", examples: ["1.5s"] },
  FieldMask: text("field-mask"),
  Struct: { type: "object" },
  ListValue: { type: "array", items: {} },
  Value: {},
  Any: { type: "object", properties: { "@type": { type: "string" } } },
  DoubleValue: double,
  FloatValue: float,
  Int64Value: int64,
  UInt64Value: uint64,
  Int32Value: int32,
  UInt32Value: uint32,
  BoolValue: { type: "boolean" },
  StringValue: { type: "string" },
  BytesValue: text("byte"),
};

/** Messages stand under `$defs` by their full names, so that they may hold themselves. */
export function messageSchema(type: protobuf.Type): JsonSchema {
  const defs: Record<string, JsonSchema> = {};
  const refer = (message: protobuf.Type): JsonSchema => {
    if (isSpecial(message)) return special[message.name] ?? {};
    const name = message.fullName.slice(1);
    if (!Object.hasOwn(defs, name)) {
      if (Object.keys(defs).length >= maxTypes) return { type: "object", title: name };
      defs[name] = {};
      defs[name] = {
        ...{ type: "object", title: name, ...described(message), properties: properties(message) },
        ...required(message),
      };
    }
    return { $ref: `#/$defs/${name}` };
  };
  const properties = (message: protobuf.Type): Record<string, JsonSchema> => {
    const fields = message.fieldsArray.map((field) => [nameOf(field), { ...fieldOf(field), ...told(field) }]);
    return Object.fromEntries(fields) as Record<string, JsonSchema>;
  };
  const fieldOf = (field: protobuf.Field): JsonSchema => {
    field.resolve();
    const one = elementOf(field);
    if (field.map) return { type: "object", additionalProperties: one };
    if (field.repeated) return { type: "array", items: one };
    const { partOf } = field;
    if (partOf && partOf.fieldsArray.length > 1) return { ...one, "x-oneof": partOf.name };
    // such a field tells its default value from none
    return field.hasPresence && !(field.resolvedType instanceof protobuf.Type)
      ? { ...one, "x-optional": true }
      : one;
  };
  const elementOf = ({ type: name, resolvedType }: protobuf.Field): JsonSchema => {
    if (resolvedType instanceof protobuf.Type) return refer(resolvedType);
    if (resolvedType instanceof protobuf.Enum)
      return { type: "string", title: resolvedType.name, enum: Object.keys(resolvedType.values) };
    return scalars[name] ?? {};
  };
  const root = refer(type);
  return { ...root, $defs: defs };
}

function nameOf({ jsonName, name }: protobuf.Field): string {
  return jsonName ?? name;
}

function described({ comment }: protobuf.ReflectionObject): Pick<JsonSchema, "description"> {
  return comment ? { description: comment } : {};
}

/** What a field's comment and options say of it. */
function told(field: protobuf.Field): JsonSchema {
  const behaviors = behaviorsOf(field);
  return {
    ...described(field),
    ...(field.getOption("deprecated") === true ? { deprecated: true } : {}),
    ...(behaviors.includes("OUTPUT_ONLY") ? { readOnly: true } : {}),
    ...(behaviors.includes("INPUT_ONLY") ? { writeOnly: true } : {}),
  };
}

function required(message: protobuf.Type): Pick<JsonSchema, "required"> {
  const names = message.fieldsArray.filter((field) => behaviorsOf(field).includes("REQUIRED")).map(nameOf);
  return names.length === 0 ? {} : { required: names };
}

/** Of google.api.field_behavior. */
function behaviorsOf({ parsedOptions }: protobuf.Field): readonly unknown[] {
  const given = (parsedOptions ?? []) as readonly Record<string, unknown>[];
  return given.flatMap(
    (option) => option["(google.api.field_behavior)"] ?? option["(.google.api.field_behavior)"] ?? [],
  );
}

/**
 * A message type as Go Micro's registries tell of it: what `extractValue` reads from the Go struct that protoc makes.
 *
 * (go-micro v2.3.0, server/grpc/extractor.go.) Two differences, both in favour of the reader: the members of a oneof are told by
 * their names, where Go tells of an interface; and a streamed message is told, where Go tells of the stream.
 */
import protobuf from "protobufjs";
import type { Shape } from "../../call.ts";

/** As Go Micro: a message, its fields, and theirs. */
const maxDepth = 3;

/** What one message tells of at most, nested fields counted: a registry has little room. */
const maxFields = 500;

/** Of protobuf's scalars, the Go types. */
const goTypes: Readonly<Record<string, string>> = {
  double: "float64",
  float: "float32",
  int32: "int32",
  sint32: "int32",
  sfixed32: "int32",
  uint32: "uint32",
  fixed32: "uint32",
  int64: "int64",
  sint64: "int64",
  sfixed64: "int64",
  uint64: "uint64",
  fixed64: "uint64",
  bool: "bool",
  string: "string",
  bytes: "[]uint8",
};

/** @param type resolved or not: it is, afterwards */
export function messageShape(type: protobuf.Type): Shape {
  let room = maxFields;
  const shapeOf = (name: string, message: protobuf.Type, depth: number): Shape => {
    const values: Shape[] = [];
    for (const field of depth + 1 < maxDepth ? message.fieldsArray : []) {
      if (room-- <= 0) break;
      values.push(fieldShape(field, depth + 1));
    }
    return { name, type: goName(message), values: values.length === 0 ? null : values };
  };
  const fieldShape = (field: protobuf.Field, depth: number): Shape => {
    field.resolve();
    const { name, resolvedType } = field;
    // A Go map has no name of its own, and nor has a slice of slices an element with one.
    if (field.map) return { name, type: "", values: null };
    if (field.repeated)
      return { name, type: `[]${field.type === "bytes" ? "" : goType(field)}`, values: null };
    if (resolvedType instanceof protobuf.Type) return shapeOf(name, resolvedType, depth);
    return { name, type: goType(field), values: null };
  };
  return shapeOf(goName(type), type, 0);
}

function goType({ type, resolvedType }: protobuf.Field): string {
  return resolvedType === null ? (goTypes[type] ?? type) : goName(resolvedType);
}

/** `Outer_Inner` of a nested type; each part in Go's camel case. */
function goName(type: protobuf.ReflectionObject): string {
  const outer = type.parent instanceof protobuf.Type ? `${goName(type.parent)}_` : "";
  return outer + goCamelCase(type.name);
}

/** As protoc-gen-go: words begin with a capital, at a `_` that goes and after digits. */
function goCamelCase(name: string): string {
  const capital = (_: string, before: string, letter: string): string => before + letter.toUpperCase();
  return name
    .replace(/^_/, "X")
    .replace(/()_([a-z])/g, capital)
    .replace(/(^|\d)([a-z])/g, capital);
}

/** A schema's files as serialized FileDescriptorProto, for reflection: a walk of protobufjs's tree. */
import protobuf from "protobufjs";
import type { FileDescriptor } from "../../service/service.ts";
import { type OptionReader, optionReader } from "./descriptor-options.ts";
import { embeddedProtos } from "./embedded-protos.ts";
import { encodeMessage, messageCodecs } from "./message.ts";
import type { Value } from "./message-field.ts";
import type { ProtoFile } from "./proto-files.ts";
import { isGroup, ownFields, type Symbols } from "./proto-links.ts";
import { exactDefault } from "./proto-numbers.ts";
import { parseAlone } from "./proto-parse.ts";
import { scalars } from "./scalar.ts";

const describing = "google/protobuf/descriptor.proto";

export function fileDescriptors(
  root: protobuf.Root,
  sources: readonly ProtoFile[],
  symbols: Symbols,
): FileDescriptor[] {
  // Custom options are extensions of descriptor.proto's messages: whoever has some has imported it.
  const meta = sources.some((file) => file.name === describing)
    ? root
    : (parseAlone(embeddedProtos.get(describing)!).resolveAll() as protobuf.Root);
  const codecOf = messageCodecs(() => undefined);
  const codec = codecOf(meta.lookupType(".google.protobuf.FileDescriptorProto"));
  const options = optionReader(meta, codecOf, symbols);
  const defined = new Map<string, string[]>(sources.map((file) => [file.name, []]));
  for (const [name, object] of symbols) defined.get(object.filename ?? "")?.push(name);
  return sources.map((file) => ({
    name: file.name,
    dependencies: file.dependencies.map((dependency) => dependency.name),
    symbols: defined.get(file.name)!,
    bytes: encodeMessage(codec, "google.protobuf.FileDescriptorProto", describeFile(file, root, options)),
  }));
}

function describeFile(file: ProtoFile, root: protobuf.Root, options: OptionReader): Value {
  const space = file.package === "" ? root : root.lookup(`.${file.package}`);
  const nested = (space as protobuf.Namespace).nestedArray.filter((object) => object.filename === file.name);
  const alone = parseAlone(file.text);
  const own = file.package === "" ? [alone] : [alone, alone.lookup(`.${file.package}`)];
  const indexes = (kind: string): number[] =>
    file.imports.flatMap((one, at) => (one.kind === kind ? [at] : []));
  const edition = /^\d+$/.test(file.syntax);
  return {
    name: file.name,
    package: file.package === "" ? undefined : file.package,
    dependency: file.dependencies.map((dependency) => dependency.name),
    public_dependency: indexes("public"),
    weak_dependency: indexes("weak"),
    ...describeNested(nested, options),
    service: nested
      .filter((object) => object instanceof protobuf.Service)
      .map((service) => describeService(service, options)),
    options: options(
      "FileOptions",
      file.package,
      own.flatMap((object) => object?.parsedOptions ?? []),
    ),
    syntax: file.syntax === "proto2" ? undefined : edition ? "editions" : file.syntax,
    edition: edition ? `EDITION_${file.syntax}` : undefined,
  };
}

function describeNested(nested: readonly protobuf.ReflectionObject[], options: OptionReader): Value {
  return {
    message_type: nested
      .filter((object) => object instanceof protobuf.Type)
      .map((type) => describeMessage(type, options)),
    enum_type: nested
      .filter((object) => object instanceof protobuf.Enum)
      .map((type) => describeEnum(type, options)),
    extension: nested
      .filter((object) => object instanceof protobuf.Field)
      .map((field) => describeField(field, [], options)),
  };
}

type Ranges = readonly (number[] | string)[] | undefined;

function describeMessage(type: protobuf.Type, options: OptionReader): Value {
  const fields = ownFields(type);
  const made = new Set(type.oneofsArray.filter((oneof) => oneof.isProto3Optional));
  const oneofs = [...type.oneofsArray.filter((oneof) => !made.has(oneof)), ...made];
  const { message_type, ...rest } = describeNested(type.nestedArray, options);
  return {
    name: type.name,
    field: fields.map((field) => describeField(field, oneofs, options)),
    nested_type: [
      ...(message_type as Value[]),
      ...fields.filter((field) => field instanceof protobuf.MapField).map(mapEntry),
    ],
    ...rest,
    oneof_decl: oneofs.map((oneof) => ({
      name: oneof.name,
      options: options("OneofOptions", type.fullName, oneof.parsedOptions),
    })),
    extension_range: exclusive(type.extensions),
    reserved_range: exclusive(type.reserved),
    reserved_name: reservedNames(type.reserved),
    options: options("MessageOptions", type.fullName, type.parsedOptions),
  };
}

function exclusive(ranges: Ranges): Value[] {
  return (ranges ?? []).flatMap((range) =>
    typeof range === "string" ? [] : [{ start: range[0], end: range[1]! + 1 }],
  );
}

function reservedNames(ranges: Ranges): string[] {
  return (ranges ?? []).filter((range) => typeof range === "string");
}

/** `foo_bar` → `FooBarEntry` */
function entryName(field: protobuf.FieldBase): string {
  return `${(field.protoName ?? field.name).replace(/(?:^|_)([a-z]?)/g, (_, letter: string) => letter.toUpperCase())}Entry`;
}

function mapEntry(field: protobuf.MapField): Value {
  const member = (name: string, number: number, type: Value): Value => ({
    name,
    number,
    label: "LABEL_OPTIONAL",
    json_name: name,
    ...type,
  });
  return {
    name: entryName(field),
    field: [
      member("key", 1, { type: `TYPE_${field.keyType.toUpperCase()}` }),
      member("value", 2, fieldType(field)),
    ],
    options: { map_entry: true },
  };
}

function fieldType(field: protobuf.FieldBase): Value {
  if (scalars.has(field.type)) return { type: `TYPE_${field.type.toUpperCase()}` };
  const type = field.resolvedType!;
  const kind = type instanceof protobuf.Enum ? "TYPE_ENUM" : isGroup(type) ? "TYPE_GROUP" : "TYPE_MESSAGE";
  return { type: kind, type_name: type.fullName };
}

function describeField(
  field: protobuf.Field,
  oneofs: readonly protobuf.OneOf[],
  options: OptionReader,
): Value {
  field.resolve();
  const index = field.partOf === null ? -1 : oneofs.indexOf(field.partOf);
  const given = field.parsedOptions ?? [];
  const fallback = given
    .map((option) => option.default ?? option[exactDefault])
    .find((one) => one !== undefined);
  const label =
    field.repeated || field.map ? "REPEATED" : field.rule === "required" ? "REQUIRED" : "OPTIONAL";
  const map = field instanceof protobuf.MapField;
  return {
    name: field.protoName ?? field.name,
    number: field.id,
    label: `LABEL_${label}`,
    ...(map
      ? { type: "TYPE_MESSAGE", type_name: `${field.parent!.fullName}.${entryName(field)}` }
      : fieldType(field)),
    extendee:
      field.extend === undefined ? undefined : (field as protobuf.Field).extensionField?.parent?.fullName,
    default_value: fallback === undefined ? undefined : defaultText(field, fallback),
    oneof_index: index < 0 ? undefined : index,
    json_name: field.jsonName ?? undefined,
    proto3_optional: field.getOption("proto3_optional") === true ? true : undefined,
    options: options(
      "FieldOptions",
      field.parent!.fullName,
      given.filter((option) => !("default" in option || "json_name" in option)),
    ),
  };
}

/** As protoc writes it. */
function defaultText(field: protobuf.Field, value: unknown): string {
  if (field.type === "bytes") {
    const escapes: Record<string, string> = {
      "\n": "\\n",
      "\r": "\\r",
      "\t": "\\t",
      '"': '\\"',
      "'": "\\'",
      "\\": "\\\\",
    };
    return String(value).replace(
      /[^ !#-&(-[\]-~]/g,
      (letter) => escapes[letter] ?? `\\${letter.charCodeAt(0).toString(8).padStart(3, "0")}`,
    );
  }
  if (field.type === "double") return realText(Number(value), [15, 17]);
  if (field.type === "float") return realText(Math.fround(Number(value)), [6, 9], Math.fround);
  return Number.isInteger(value) ? String(BigInt(value as number)) : String(value);
}

/** As C writes it by `%g`: in the fewer digits, unless another number comes of them. */
function realText(value: number, [few, many]: [number, number], round = (read: number) => read): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
  if (Object.is(value, -0)) return "-0";
  const digits = round(Number(value.toPrecision(few))) === value ? few : many;
  const [mantissa = "", power] = value.toExponential(digits - 1).split("e");
  const exponent = Number(power);
  const short = (text: string): string => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  if (exponent >= -4 && exponent < digits) return short(value.toFixed(digits - 1 - exponent));
  return `${short(mantissa)}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

function describeEnum(type: protobuf.Enum, options: OptionReader): Value {
  const reserved: Ranges = type.reserved;
  return {
    name: type.name,
    value: Object.entries(type.values).map(([name, number]) => ({
      name,
      number,
      options: options("EnumValueOptions", type.fullName, valueOptions(type, name)),
    })),
    options: options("EnumOptions", type.fullName, type.parsedOptions),
    reserved_range: (reserved ?? []).flatMap((range) =>
      typeof range === "string" ? [] : [{ start: range[0], end: range[1] }],
    ),
    reserved_name: reservedNames(reserved),
  };
}

/** protobufjs keeps those of values flat, `{ "(opt).a.b": 1 }`: a field within that repeats is lost to it. */
function valueOptions(type: protobuf.Enum, value: string): Record<string, unknown>[] {
  const flat = type.valuesOptions?.[value] ?? {};
  return Object.entries(flat).map(([key, given]) => {
    const [, name = key, path = ""] = /^(\([^)]*\)|[^.]+)\.?(.*)$/.exec(key) ?? [];
    return {
      [name]: path
        .split(".")
        .reduceRight<unknown>((inner, part) => (part === "" ? inner : { [part]: inner }), given),
    };
  });
}

function describeService(service: protobuf.Service, options: OptionReader): Value {
  return {
    name: service.name,
    method: service.methodsArray.map((method) => ({
      name: method.name,
      input_type: method.resolvedRequestType!.fullName,
      output_type: method.resolvedResponseType!.fullName,
      options: options("MethodOptions", service.fullName, method.parsedOptions),
      client_streaming: method.requestStream === true ? true : undefined,
      server_streaming: method.responseStream === true ? true : undefined,
    })),
    options: options("ServiceOptions", service.fullName, service.parsedOptions),
  };
}

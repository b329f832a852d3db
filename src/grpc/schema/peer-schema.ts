/** A peer's descriptors → a protobufjs root: names, numbers and switches that were looked at, no options, defaults, extensions. */
import protobuf from "protobufjs";
import { errorText, MicrorunError } from "../../errors.ts";
import {
  type PeerEnum,
  type PeerField,
  type PeerFile,
  type PeerMessage,
  type PeerOptions,
  refused,
} from "./peer-descriptors.ts";
import { type NameCheck, nameCheck } from "./peer-names.ts";

/** Messages within messages. */
const maxDepth = 32;
const maxNumber = 0x1fffffff;
/** Of a text that is quoted in an error. */
const maxShown = 100;

/**
 * protobufjs makes code of a schema, so that nothing else of a peer's may reach it.
 * @throws MicrorunError `failed_precondition` for a schema that must not, or cannot, be used
 */
export function peerRoot(files: Iterable<PeerFile>): protobuf.Root {
  const root = new protobuf.Root();
  const check = nameCheck();
  try {
    for (const file of files) {
      const space = file.package ? root.define(check.path(file.package)) : root;
      space.addJSON(declared(file, { check, camelCase: file.name === "google/protobuf/struct.proto" }));
    }
    return root.resolveAll() as protobuf.Root;
  } catch (error) {
    if (error instanceof MicrorunError) throw error;
    throw refused(`it does not hold together (${errorText(error).slice(0, maxShown)})`);
  }
}

interface Making {
  readonly check: NameCheck;
  /** protojson counts on these names. */
  readonly camelCase: boolean;
}

type Declared = Record<string, protobuf.AnyNestedObject>;

function declared(file: PeerFile, making: Making): Declared {
  const edition = editionOf(file);
  const own = (options: PeerOptions | undefined) => ({
    edition,
    ...withFeatures(file.options?.features, options?.features),
  });
  return Object.fromEntries([
    ...file.messageType.map((type) => [
      making.check.name(type.name),
      { ...messageJson(type, making, 0), ...own(type.options) },
    ]),
    ...file.enumType.map((type) => [
      making.check.name(type.name),
      { ...enumJson(type, making), ...own(type.options) },
    ]),
  ]);
}

function messageJson(type: PeerMessage, making: Making, depth: number): protobuf.IType {
  const { check } = making;
  if (depth > maxDepth) throw refused(`messages are nested more than ${maxDepth} deep`);
  const entries = new Map(
    type.nestedType.flatMap((one) => (one.options?.mapEntry ? [[check.name(one.name), one]] : [])),
  );
  const groups = new Set(type.field.flatMap((one) => (one.type === "TYPE_GROUP" ? lastPart(one) : [])));
  const oneofs = type.oneofDecl.map(({ name }) => ({ name: check.name(name), oneof: [] as string[] }));
  const fields = type.field.map((field) => {
    const proto = check.name(field.name);
    const name = making.camelCase ? check.name(field.jsonName) : proto;
    if (field.oneofIndex !== undefined) oneofs[field.oneofIndex]?.oneof.push(name);
    const names = { protoName: proto, ...(field.jsonName ? { jsonName: check.key(field.jsonName) } : {}) };
    return [name, { ...fieldJson(field, entries.get(lastPart(field)), check), ...names }] as const;
  });
  const nested = [
    ...type.nestedType
      .filter((one) => !one.options?.mapEntry)
      .map((one) => {
        const name = check.name(one.name);
        const group = groups.has(name) ? { group: true } : {};
        return [
          name,
          { ...messageJson(one, making, depth + 1), ...group, ...withFeatures(one.options?.features) },
        ];
      }),
    ...type.enumType.map((one) => [
      check.name(one.name),
      { ...enumJson(one, making), ...withFeatures(one.options?.features) },
    ]),
  ];
  return {
    fields: Object.fromEntries(fields),
    oneofs: Object.fromEntries(oneofs.map(({ name, oneof }) => [name, { oneof }])),
    nested: Object.fromEntries(nested),
  };
}

function fieldJson(
  field: PeerField,
  entry: PeerMessage | undefined,
  check: NameCheck,
): protobuf.IField | protobuf.IMapField {
  const id = field.number ?? 0;
  if (!(id >= 1 && id <= maxNumber)) throw refused(`${id} is not a field's number`);
  if (entry !== undefined) {
    const [key, value] = [1, 2].map((number) => entry.field.find((one) => one.number === number));
    if (key === undefined || value === undefined) throw refused("a map without key or value");
    return { id, keyType: typeOf(key, check), type: typeOf(value, check) };
  }
  const { packed, features } = field.options ?? {};
  const options = {
    ...(packed === undefined ? {} : { packed }),
    ...(field.proto3Optional ? { proto3_optional: true } : {}),
    ...withFeatures(features).options,
  };
  const rule = { LABEL_REPEATED: "repeated", LABEL_REQUIRED: "required" }[String(field.label)];
  return { id, type: typeOf(field, check), ...(rule === undefined ? {} : { rule }), options };
}

/** `.greeter.HelloRequest`, `int32` */
function typeOf({ type, typeName }: PeerField, check: NameCheck): string {
  if (type === "TYPE_MESSAGE" || type === "TYPE_ENUM" || type === "TYPE_GROUP")
    return `.${check.path(typeName)}`;
  const scalar = String(type).replace("TYPE_", "").toLowerCase();
  if (Object.hasOwn(protobuf.types.basic, scalar)) return scalar;
  throw refused(`${String(type).slice(0, maxShown)} is not a type`);
}

function enumJson({ value }: PeerEnum, { check }: Making): protobuf.IEnum {
  return { values: Object.fromEntries(value.map(({ name, number = 0 }) => [check.name(name), number])) };
}

function editionOf({ syntax = "proto2", edition }: PeerFile): string {
  const [, year] = /^EDITION_(\d{4})$/.exec(String(edition)) ?? [];
  const known = syntax === "editions" ? year : syntax;
  if (known === undefined || !/^(proto[23]|\d{4})$/.test(known))
    throw refused(`the edition ${String(edition ?? syntax).slice(0, maxShown)} is not known`);
  return known;
}

const featureNames: Readonly<Record<string, string>> = {
  fieldPresence: "field_presence",
  enumType: "enum_type",
  repeatedFieldEncoding: "repeated_field_encoding",
  messageEncoding: "message_encoding",
};

/** Of an edition; what stands later holds. */
function withFeatures(...all: readonly PeerOptions["features"][]): { options?: { features: object } } {
  const given = Object.entries(Object.assign({}, ...all) as object).flatMap(([key, value]) => {
    const name = featureNames[key];
    return name !== undefined && /^[A-Z_]+$/.test(String(value)) ? [[name, String(value)]] : [];
  });
  return given.length === 0 ? {} : { options: { features: Object.fromEntries(given) } };
}

function lastPart({ typeName = "" }: PeerField): string {
  return typeName.slice(typeName.lastIndexOf(".") + 1);
}

/** One field of a message: how it is read into a handler value and written from one. */
import protobuf from "protobufjs";
import { enumCodec, invalid, mismatch, scalars, type ValueCodec } from "./scalar.ts";

/** A handler value: fields by their JSON names. */
export type Value = Record<string, unknown>;

export type FieldReader = (value: Value, reader: protobuf.Reader, depth: number) => void;

export interface FieldCodec {
  /** The name in handler values: the field's JSON name, or `[full.name]` of an extension. */
  readonly key: string;
  /** The name in the `.proto`, when it is another: accepted on encode. */
  readonly alias: string | undefined;
  readonly id: number;
  /** Every object has something of this name (`constructor`): only an own property counts. */
  readonly inherited: boolean;
  /** What a message starts with before it is read; absent for fields with presence. */
  readonly initial: (() => unknown) | undefined;
  readonly required: boolean;
  /** Readers by tag: a packable repeated field has two. */
  readonly readers: ReadonlyMap<number, FieldReader>;
  readonly write: (writer: protobuf.Writer, value: unknown, depth: number) => void;
  /** Does this value mean that the field is set? */
  readonly isSet: (value: unknown) => boolean;
}

/** A message as a field's value is length-prefixed; its body alone is a whole message, or ends with `endTag`: a group. */
export interface MessageCodec extends ValueCodec {
  readBody(reader: protobuf.Reader, end: number, depth: number, into?: unknown, endTag?: number): unknown;
  writeBody(writer: protobuf.Writer, checked: unknown, depth: number): void;
}

export type CodecOf = (type: protobuf.Type) => MessageCodec;

export function fieldCodec(field: protobuf.Field, codecOf: CodecOf): FieldCodec {
  field.resolve();
  const declared = field.declaringField ?? field;
  const name = declared.fullName.slice(1);
  const key = declared.extend === undefined ? (field.jsonName ?? field.name) : `[${name}]`;
  const alias = declared.extend === undefined && field.protoName !== key ? field.protoName : undefined;
  const base = { key, alias, id: field.id, inherited: key in Object.prototype, required: declared.required };
  const codec = valueCodec(declared, codecOf);
  const isSet = (value: unknown): boolean => value !== undefined && value !== null;
  if (field instanceof protobuf.MapField) return { ...base, isSet, ...mapField(field, codec, name, key) };
  if (field.repeated) return { ...base, isSet, ...repeatedField(field, codec, name, key, declared.packed) };
  return {
    ...base,
    ...singularField(
      field,
      codec,
      name,
      key,
      !declared.hasPresence && !(field.resolvedType instanceof protobuf.Type),
    ),
    isSet: codec.nullable === true ? (value) => value !== undefined : isSet,
  };
}

function valueCodec(field: protobuf.Field, codecOf: CodecOf): ValueCodec {
  const scalar = scalars.get(field.type);
  if (scalar !== undefined) return scalar;
  const type = field.resolve().resolvedType;
  if (type instanceof protobuf.Enum) return enumCodec(type);
  const message = codecOf(type as protobuf.Type);
  return field.delimited ? groupCodec(message, field.id) : message;
}

function groupCodec(message: MessageCodec, id: number): ValueCodec {
  const endTag = ((id << 3) | 4) >>> 0;
  return {
    ...message,
    wire: 3,
    write: (writer, checked, depth) => {
      message.writeBody(writer, checked, depth + 1);
      writer.uint32(endTag);
    },
    read: (reader, depth) => message.readBody(reader, reader.len, depth + 1, undefined, endTag),
    merge: (reader, depth, into) => message.readBody(reader, reader.len, depth + 1, into, endTag),
  };
}

type Shape = Pick<FieldCodec, "initial" | "readers" | "write">;

function singularField(
  field: protobuf.Field,
  codec: ValueCodec,
  name: string,
  key: string,
  implicit: boolean,
): Shape {
  const tag = (field.id << 3) | codec.wire;
  const read = codec.read;
  const merge = codec.merge;
  // Reading one member of a oneof forgets the others.
  const rivals = (field.partOf?.fieldsArray ?? [])
    .filter((other) => other !== field)
    .map((other) => other.resolve().jsonName ?? other.name);
  const reader: FieldReader =
    rivals.length > 0 || merge !== undefined
      ? (value, from, depth) => {
          for (const rival of rivals) delete value[rival];
          const before = Object.hasOwn(value, key) ? value[key] : undefined;
          value[key] =
            before !== undefined && merge !== undefined ? merge(from, depth, before) : read(from, depth);
        }
      : (value, from, depth) => {
          value[key] = read(from, depth);
        };
  return {
    initial: implicit ? codec.zero : undefined,
    readers: new Map([[tag >>> 0, reader]]),
    write(writer, value, depth) {
      const checked = codec.check(value, name, depth);
      if (implicit && codec.isZero(checked)) return;
      writer.uint32(tag);
      codec.write(writer, checked, depth);
    },
  };
}

function repeatedField(
  field: protobuf.Field,
  codec: ValueCodec,
  name: string,
  key: string,
  packed: boolean,
): Shape {
  const tag = (field.id << 3) | codec.wire;
  const packedTag = (field.id << 3) | 2;
  const packable = codec.wire === 0 || codec.wire === 1 || codec.wire === 5;
  const list = (value: Value): unknown[] => {
    const before = value[key];
    if (before !== undefined) return before as unknown[];
    const fresh: unknown[] = [];
    value[key] = fresh;
    return fresh;
  };
  const readers = new Map<number, FieldReader>([
    [tag >>> 0, (value, from, depth) => void list(value).push(codec.read(from, depth))],
  ]);
  if (packable) {
    readers.set(packedTag >>> 0, (value, from, depth) => {
      const items = list(value);
      const stop = from.size() + from.pos;
      if (stop > from.len) throw new RangeError("truncated");
      while (from.pos < stop) items.push(codec.read(from, depth));
      if (from.pos !== stop) throw new RangeError("truncated");
    });
  }
  return {
    initial: () => [],
    readers,
    write(writer, value, depth) {
      if (!Array.isArray(value)) throw mismatch(name, "an array", value);
      if (value.length === 0) return;
      const together = packed && packable;
      if (together) writer.uint32(packedTag).fork();
      for (const item of value) {
        if (!together) writer.uint32(tag);
        codec.write(writer, codec.check(item, name, depth), depth);
      }
      if (together) writer.ldelim();
    },
  };
}

/** Maps have no prototype: `value.labels[key]` finds what was sent and nothing else, whatever the key. */
function mapField(field: protobuf.MapField, codec: ValueCodec, name: string, key: string): Shape {
  const keyCodec = scalars.get(field.keyType)!;
  const tag = (field.id << 3) | 2;
  const keyTag = 8 | keyCodec.wire;
  const valueTag = 16 | codec.wire;
  return {
    initial: () => Object.create(null),
    readers: new Map<number, FieldReader>([
      [
        tag >>> 0,
        (message, reader, depth) => {
          const map = message[key] as Value;
          const stop = reader.size() + reader.pos;
          if (stop > reader.len) throw new RangeError("truncated");
          let entryKey = keyCodec.zero();
          let entry: unknown;
          while (reader.pos < stop) {
            const entryTag = reader.tag();
            if (entryTag === keyTag) entryKey = keyCodec.read(reader, depth);
            else if (entryTag === valueTag) entry = codec.read(reader, depth);
            else if (entryTag >>> 3 < 3) throw invalid(name, `wire type ${entryTag & 7} does not fit`);
            else reader.skipType(entryTag & 7, depth, entryTag >>> 3);
          }
          if (reader.pos !== stop) throw new RangeError("truncated");
          map[String(entryKey)] = entry === undefined ? codec.zero() : entry;
        },
      ],
    ]),
    write(writer, value, depth) {
      for (const [entryKey, entry] of entriesOf(value, name)) {
        if (entry === undefined) continue;
        writer.uint32(tag).fork().uint32(keyTag);
        keyCodec.write(writer, keyCodec.check(mapKey(entryKey, field.keyType), name, depth), depth);
        writer.uint32(valueTag);
        codec.write(writer, codec.check(entry, name, depth), depth);
        writer.ldelim();
      }
    },
  };
}

function entriesOf(value: unknown, name: string): Iterable<[unknown, unknown]> {
  if (value instanceof Map) return value;
  if (typeof value !== "object" || value === null || !isRecord(value))
    throw mismatch(name, "an object or a Map", value);
  return Object.entries(value);
}

/** A map's key, a string in an object, as the key's type has it; what does not fit is left for `check` to refuse. */
function mapKey(key: unknown, type: string): unknown {
  if (typeof key !== "string" || type === "string") return key;
  if (type === "bool") return key === "true" ? true : key === "false" ? false : key;
  return type.endsWith("32") && /^-?\d{1,10}$/.test(key) ? Number(key) : key;
}

/** An object of fields; what has its content elsewhere (a Date, a Map, a Promise) would be taken for an empty message. */
export function isRecord(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  return !(
    Array.isArray(value) ||
    ArrayBuffer.isView(value) ||
    value instanceof Date ||
    value instanceof Map ||
    value instanceof Set ||
    value instanceof Error ||
    value instanceof ArrayBuffer ||
    "then" in value ||
    Symbol.iterator in value ||
    Symbol.asyncIterator in value
  );
}

/**
 * Handler values ↔ protobuf bytes: one codec per message type, built when first used.
 *
 * A handler value is a plain object. Names are the JSON names (lowerCamelCase unless `json_name` says otherwise).
 * - Fields of implicit presence are always there, with their defaults; repeated fields as arrays, maps as objects
 *   without prototype. `optional` fields, messages and members of a oneof are absent when unset.
 * - 64-bit integers are bigint, bytes Uint8Array, enums the names of their values (a number without a name stays one).
 * - Well-known types: see well-known.ts.
 *
 * Encoding also takes the names of the `.proto`, enum numbers, safe integers and decimal strings for 64 bits, base64
 * for bytes, a Map for a map; `undefined` and `null` mean unset. All else is refused: a wrong type, a number out of
 * range, an unknown field, two members of a oneof.
 */
import protobuf from "protobufjs";
import { didYouMean, errorText, MicrorunError } from "../../errors.ts";
import {
  type CodecOf,
  type FieldCodec,
  type FieldReader,
  fieldCodec,
  isRecord,
  type MessageCodec,
  type Value,
} from "./message-field.ts";
import { invalid, mismatch } from "./scalar.ts";

/** As protoc: messages within messages. */
const maxDepth = 100;

/** A writer that has grown beyond is not kept, bytes. */
const maxKept = 64 * 1024;

const nothing = new Uint8Array(0);

/** A type whose handler value is not the object of its fields. */
export interface Special {
  /** A handler's value → the object of fields. */
  from(value: unknown, name: string, depth: number): unknown;
  /** The object of fields → the handler value. */
  to(message: Value, depth: number): unknown;
  readonly nullable?: boolean;
}

/** @param special what stands in for the types that have a form of their own */
export function messageCodecs(
  special: (type: protobuf.Type, codecOf: CodecOf) => Special | undefined,
): CodecOf {
  const known = new Map<protobuf.Type, MessageCodec>();
  const codecOf: CodecOf = (type) => {
    let codec = known.get(type);
    if (codec === undefined) {
      codec = messageCodec(type, codecOf, special(type, codecOf));
      known.set(type, codec);
    }
    return codec;
  };
  return codecOf;
}

function messageCodec(type: protobuf.Type, codecOf: CodecOf, special: Special | undefined): MessageCodec {
  const title = type.fullName.slice(1);
  let body: Body | undefined;
  const parts = (): Body => (body ??= messageBody(type, codecOf));
  const codec: MessageCodec = {
    wire: 2,
    nullable: special?.nullable === true,
    zero: () => codec.readBody(new protobuf.Reader(nothing), 0, 0),
    check(value, name, depth) {
      const message = special === undefined ? value : special.from(value, name, depth);
      if (typeof message !== "object" || message === null || !isRecord(message))
        throw mismatch(name, `an object (${title})`, value);
      return message;
    },
    isZero: () => false,
    write(writer, checked, depth) {
      writer.fork();
      codec.writeBody(writer, checked, depth + 1);
      writer.ldelim();
    },
    read(reader, depth) {
      const end = reader.size() + reader.pos;
      return codec.readBody(reader, end, depth + 1);
    },
    readBody(reader, end, depth, into, endTag) {
      const message = parts().read(reader, end, depth, into, endTag);
      return special === undefined ? message : special.to(message, depth);
    },
    writeBody: (writer, checked, depth) => parts().write(writer, checked as Value, depth),
  };
  if (special !== undefined) return codec;
  return {
    ...codec,
    merge: (reader, depth, into) => codec.readBody(reader, reader.size() + reader.pos, depth + 1, into),
  };
}

interface Body {
  read(reader: protobuf.Reader, end: number, depth: number, into: unknown, endTag: number | undefined): Value;
  write(writer: protobuf.Writer, value: Value, depth: number): void;
}

function messageBody(type: protobuf.Type, codecOf: CodecOf): Body {
  const title = type.fullName.slice(1);
  const fields = type.fieldsArray.map((field) => fieldCodec(field, codecOf)).sort((a, b) => a.id - b.id);
  const keys = new Map(
    fields.flatMap((field) => [
      [field.key, field],
      [field.alias ?? field.key, field],
    ]),
  );
  const byId = new Map(fields.map((field) => [field.id, field]));
  const readers = new Map<number, FieldReader>(fields.flatMap((field) => [...field.readers]));
  const required = fields.filter((field) => field.required);
  const create = creator(fields);
  const oneofs = type.oneofsArray
    .filter((oneof) => oneof.fieldsArray.length > 1)
    .map((oneof) => oneof.fieldsArray.map((field) => byId.get(field.id)!));

  function stray(reader: protobuf.Reader, tag: number, depth: number): void {
    const field = byId.get(tag >>> 3);
    if (field !== undefined)
      throw invalid(`${title}.${field.alias ?? field.key}`, `wire type ${tag & 7} does not fit`);
    reader.skipType(tag & 7, depth, tag >>> 3);
  }

  return {
    read(reader, end, depth, into, endTag) {
      if (depth > maxDepth) throw invalid(title, `messages are nested more than ${maxDepth} deep`);
      if (end > reader.len) throw new RangeError("truncated");
      const value = (into as Value | undefined) ?? create();
      while (endTag !== undefined || reader.pos < end) {
        const tag = reader.tag();
        if (tag === endTag) return value;
        const read = readers.get(tag);
        if (read === undefined) stray(reader, tag, depth);
        else read(value, reader, depth);
      }
      if (reader.pos !== end) throw new RangeError("truncated");
      for (const field of required)
        if (fieldOf(value, field) === undefined)
          throw invalid(`${title}.${field.key}`, "a required field is missing");
      return value;
    },
    write(writer, value, depth) {
      if (depth > maxDepth) throw invalid(title, `messages are nested more than ${maxDepth} deep`);
      for (const field of fields) {
        const given = fieldOf(value, field);
        if (field.isSet(given)) field.write(writer, given, depth);
        else if (field.required) throw invalid(`${title}.${field.key}`, "a required field is missing");
      }
      for (const oneof of oneofs) {
        const set = oneof.filter((field) => field.isSet(fieldOf(value, field)));
        if (set.length > 1)
          throw invalid(title, `only one of ${set.map((field) => field.key).join(" and ")} may be set`);
      }
      for (const key of Object.keys(value)) {
        if (!keys.has(key) && value[key] !== undefined) throw unknownField(title, key, [...keys.keys()]);
      }
    },
  };
}

export function unknownField(message: string, key: string, known: readonly string[]): MicrorunError {
  const shown = key.slice(0, 60);
  return invalid(message, `there is no field ${shown}${didYouMean(shown, known)}`);
}

function fieldOf(value: Value, { key, alias, inherited }: FieldCodec): unknown {
  const given = inherited && !Object.hasOwn(value, key) ? undefined : value[key];
  return given === undefined && alias !== undefined ? value[alias] : given;
}

/** Starts a message. Spreading one template keeps all messages of a type in one shape, which engines make fast. */
function creator(fields: readonly FieldCodec[]): () => Value {
  const template: Value = {};
  const fresh: [string, () => unknown][] = [];
  for (const { key, initial } of fields) {
    if (initial === undefined) continue;
    template[key] = initial();
    if (typeof template[key] === "object" && !(template[key] instanceof Uint8Array))
      fresh.push([key, initial]);
  }
  if (fresh.length === 0) return () => ({ ...template });
  return () => {
    const value = { ...template };
    for (const [key, initial] of fresh) value[key] = initial();
    return value;
  };
}

/** Bytes of one whole message → handler value. */
export function decodeMessage(
  codec: MessageCodec,
  name: string,
  bytes: Uint8Array,
  depth = 0,
  start = 0,
  end: number = bytes.length,
): unknown {
  try {
    const reader = new protobuf.Reader(bytes);
    reader.pos = start;
    reader.len = end;
    return codec.readBody(reader, end, depth);
  } catch (error) {
    if (error instanceof MicrorunError) throw error;
    const why =
      error instanceof RangeError
        ? "the message is truncated"
        : `not a protobuf message (${errorText(error)})`;
    throw new MicrorunError("invalid_argument", `${name}: ${why}`, { cause: error });
  }
}

/** Handler value → bytes of one whole message. A handler that returns nothing replies with an empty message. */
export function encodeMessage(
  codec: MessageCodec,
  name: string,
  value: unknown,
  depth = 0,
  writer: protobuf.Writer = protobuf.Writer.create(),
): Uint8Array {
  codec.writeBody(writer, codec.check(value ?? (codec.nullable ? null : {}), name, depth), depth);
  // The writer's own bytes only where it will not be used again.
  return writer.len > maxKept ? writer.finish(true) : copyOf(writer);
}

/** Up to here a loop copies faster than a view of the bytes is made. */
const maxLoop = 48;

function copyOf({ buf, pos }: protobuf.Writer): Uint8Array {
  const copy = new Uint8Array(pos);
  if (pos > maxLoop) copy.set(buf.subarray(0, pos));
  else for (let i = 0; i < pos; i++) copy[i] = buf[i]!;
  return copy;
}

/** Lends one writer again and again: making them is most of what a small message costs. */
export function lender(): <T>(use: (writer: protobuf.Writer) => T) => T {
  let idle: protobuf.Writer | undefined;
  return (use) => {
    const writer = idle ?? protobuf.Writer.create();
    // Lent out: a call within this one, or after one that threw, gets another.
    idle = undefined;
    const result = use(writer);
    if (writer.len <= maxKept) idle = writer.reset();
    return result;
  };
}

/** How one scalar or enum value travels: checked, written and read. Lenient where nothing can be misread, strict elsewhere. */
import { Buffer } from "node:buffer";
import type protobuf from "protobufjs";
import { MicrorunError } from "../../errors.ts";
import { fitsFloat } from "./float-text.ts";

/** `depth` counts the messages around a value, so that nesting is bounded. */
export interface ValueCodec<T = unknown> {
  /** The protobuf wire type. */
  readonly wire: 0 | 1 | 2 | 3 | 5;
  /** `null` is a value and not the absence of one. */
  readonly nullable?: boolean;
  /** What an absent field of implicit presence reads as. */
  zero(): unknown;
  /** A handler's value → what `write` takes. @throws MicrorunError `invalid_argument` that names the field */
  check(value: unknown, name: string, depth: number): T;
  isZero(checked: T): boolean;
  write(writer: protobuf.Writer, checked: T, depth: number): void;
  read(reader: protobuf.Reader, depth: number): unknown;
  /** Reads on into a value read before: a message split over several fields is merged. */
  merge?(reader: protobuf.Reader, depth: number, into: unknown): unknown;
}

const noBytes = new Uint8Array(0);
const maxShown = 40;

export function invalid(name: string, why: string): MicrorunError {
  return new MicrorunError("invalid_argument", `${name}: ${why}`);
}

/** `greeter.HelloRequest.name: a string is expected, got number` */
export function mismatch(name: string, expected: string, value: unknown): MicrorunError {
  return invalid(name, `${expected} is expected, got ${kindOf(value)}`);
}

export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value !== "object") return typeof value;
  const kind: unknown = value.constructor?.name;
  return typeof kind === "string" && kind !== "Object" ? kind : "object";
}

function outOfRange(name: string, type: string, value: unknown): MicrorunError {
  return invalid(name, `${String(value).slice(0, maxShown)} is out of range for ${type}`);
}

type Numeric = "int32" | "sint32" | "sfixed32" | "uint32" | "fixed32" | "float" | "double";
type Long = "int64" | "sint64" | "sfixed64" | "uint64" | "fixed64";

function integer(type: Numeric, wire: 0 | 5, min: number, max: number): ValueCodec<number> {
  return {
    wire,
    zero: () => 0,
    check(value, name) {
      if (typeof value !== "number" || !Number.isInteger(value))
        throw mismatch(name, `a whole number (${type})`, fraction(value));
      if (value < min || value > max) throw outOfRange(name, type, value);
      return value;
    },
    isZero: (value) => value === 0,
    write: (writer, value) => void writer[type](value),
    read: (reader) => reader[type](),
  };
}

/** So that the message for 1.5 says more than `got number`. */
function fraction(value: unknown): unknown {
  return typeof value === "number" ? { constructor: { name: String(value) } } : value;
}

function real(type: "float" | "double", wire: 1 | 5): ValueCodec<number> {
  return {
    wire,
    zero: () => 0,
    check(value, name) {
      if (typeof value !== "number") throw mismatch(name, "a number", value);
      if (type === "float" && !fitsFloat(value)) throw outOfRange(name, type, value);
      return value;
    },
    isZero: (value) => Object.is(value, 0),
    write: (writer, value) => void writer[type](value),
    read: (reader) => reader[type](),
  };
}

function long(type: Long, wire: 0 | 1, min: bigint, max: bigint): ValueCodec<bigint> {
  const unsigned = min === 0n;
  return {
    wire,
    zero: () => 0n,
    check(value, name) {
      const big = toBigint(value);
      if (big === undefined)
        throw mismatch(name, `a bigint, a safe integer or a decimal string (${type})`, fraction(value));
      if (big < min || big > max) throw outOfRange(name, type, value);
      return big;
    },
    isZero: (value) => value === 0n,
    write: (writer, value) =>
      void writer[type]({
        low: Number(BigInt.asIntN(32, value)),
        high: Number(BigInt.asIntN(32, value >> 32n)),
        unsigned,
      }),
    read: (reader) => fromLong(reader[type](), unsigned),
  };
}

function toBigint(value: unknown): bigint | undefined {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  return typeof value === "string" && /^-?\d{1,20}$/.test(value) ? BigInt(value) : undefined;
}

function fromLong(value: protobuf.Long | number, unsigned: boolean): bigint {
  if (typeof value === "number") return BigInt(value);
  const low = value.low >>> 0;
  const high = unsigned ? value.high >>> 0 : value.high;
  return high === 0 ? BigInt(low) : (BigInt(high) << 32n) | BigInt(low);
}

const bool: ValueCodec<boolean> = {
  wire: 0,
  zero: () => false,
  check(value, name) {
    if (typeof value !== "boolean") throw mismatch(name, "a boolean", value);
    return value;
  },
  isZero: (value) => !value,
  write: (writer, value) => void writer.bool(value),
  read: (reader) => reader.bool(),
};

const string: ValueCodec<string> = {
  wire: 2,
  zero: () => "",
  check(value, name) {
    if (typeof value !== "string") throw mismatch(name, "a string", value);
    if (!value.isWellFormed()) throw invalid(name, "the string is not valid Unicode");
    return value;
  },
  isZero: (value) => value === "",
  write: (writer, value) => void writer.string(value),
  read: (reader) => reader.stringVerify(),
};

const bytes: ValueCodec<Uint8Array> = {
  wire: 2,
  zero: () => noBytes,
  check(value, name) {
    if (value instanceof Uint8Array) return value;
    const decoded = typeof value === "string" ? fromBase64(value) : undefined;
    if (decoded === undefined) throw mismatch(name, "a Uint8Array or base64", value);
    return decoded;
  },
  isZero: (value) => value.length === 0,
  write: (writer, value) => void writer.bytes(value),
  // Copied: a handler may keep it, and the frame it lies in must not live as long.
  read: (reader) => new Uint8Array(reader.bytes()),
};

/** Base64 of either alphabet, padded or not. */
export function fromBase64(text: string): Uint8Array | undefined {
  const bare = text.replace(/={1,2}$/, "");
  if (bare.length % 4 === 1 || !/^[\w+/-]*$/.test(bare)) return undefined;
  return new Uint8Array(Buffer.from(bare, "base64"));
}

/** By type name. A Map: messages may be called like what every object has, `toString`. */
export const scalars: ReadonlyMap<string, ValueCodec> = new Map<string, ValueCodec>(
  Object.entries({
    int32: integer("int32", 0, -0x80000000, 0x7fffffff),
    sint32: integer("sint32", 0, -0x80000000, 0x7fffffff),
    sfixed32: integer("sfixed32", 5, -0x80000000, 0x7fffffff),
    uint32: integer("uint32", 0, 0, 0xffffffff),
    fixed32: integer("fixed32", 5, 0, 0xffffffff),
    int64: long("int64", 0, -(2n ** 63n), 2n ** 63n - 1n),
    sint64: long("sint64", 0, -(2n ** 63n), 2n ** 63n - 1n),
    sfixed64: long("sfixed64", 1, -(2n ** 63n), 2n ** 63n - 1n),
    uint64: long("uint64", 0, 0n, 2n ** 64n - 1n),
    fixed64: long("fixed64", 1, 0n, 2n ** 64n - 1n),
    float: real("float", 5),
    double: real("double", 1),
    bool,
    string,
    bytes,
  }),
);

/** Names on the handler's side, numbers on the wire; a number without a name stays a number. */
export function enumCodec(type: protobuf.Enum): ValueCodec<number> {
  const numbers = new Map(Object.entries(type.values));
  const names = new Map<number, string>();
  for (const [name, number] of numbers) if (!names.has(number)) names.set(number, name);
  const title = type.fullName.slice(1);
  const first = numbers.values().next().value ?? 0;
  return {
    wire: 0,
    zero: () => names.get(first) ?? first,
    check(value, name) {
      const number = typeof value === "string" ? numbers.get(value) : value;
      if (typeof number !== "number" || (number | 0) !== number) {
        if (typeof value === "string")
          throw invalid(name, `${title} has no value ${value.slice(0, maxShown)}`);
        throw mismatch(name, `a value of ${title}`, value);
      }
      return number;
    },
    isZero: (value) => value === 0,
    write: (writer, value) => void writer.int32(value),
    read(reader) {
      const number = reader.int32();
      return names.get(number) ?? number;
    },
  };
}

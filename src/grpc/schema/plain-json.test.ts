import { expect, test } from "bun:test";
import type { MessageType } from "../../call.ts";
import { parseSchema } from "./schema.ts";

const schema = parseSchema(
  "plain.proto",
  `
syntax = "proto3";
package p;
import "google/protobuf/timestamp.proto";
enum Kind { KIND_NONE = 0; CAT = 1; DOG = 2; }
enum Alias { option allow_alias = true; ZERO = 0; ONE = 1; UNO = 1; }
message M {
  string name = 1;
  sint32 small = 2;
  int64 big = 3;
  fixed64 ubig = 4;
  float f = 5;
  double d = 6;
  bool yes = 7;
  bytes raw = 8;
  Kind kind_of = 9 [json_name = "kind"];
  M inner = 10;
  repeated int64 list = 11;
  map<string, M> by_name = 12;
  map<int64, Kind> by_number = 13;
  oneof pick { string one = 14; bytes two = 15; Kind three = 16; }
  optional int64 note = 17;
  repeated bytes raws = 18;
  repeated double reals = 19;
  repeated M inners = 20;
  map<bool, bytes> by_bool = 21;
  repeated float floats = 22;
  map<string, float> float_by = 23;
}
message Plain {
  string name = 1;
  int32 count = 2;
  double real = 3;
  bool yes = 4;
  Kind kind = 5;
  Plain inner = 6;
  repeated string names = 7;
  repeated Plain inners = 8;
  optional uint32 note = 9;
  int64 big = 10;
  float f = 11;
  repeated float floats = 12;
}
message Box { map<string, Plain> in = 1; }
message Odd { M m = 1; google.protobuf.Timestamp at = 2; Alias alias = 3; string constructor = 4; }`,
);

/** A small generator, so that a failure can be made again. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

type Random = (below: number) => number;

const pick = <T>(random: Random, values: readonly T[]): T => values[random(values.length)]!;

const reals = [0, -0, 0.5, -1e300, Number.NaN, Number.NEGATIVE_INFINITY] as const;
const longs = [0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n)] as const;
const texts = ["", "a", "é🐈", "__proto__", "constructor"] as const;
const blobs = [new Uint8Array(), new Uint8Array([0]), new Uint8Array([255, 254, 253, 1])] as const;
const kinds = ["KIND_NONE", "CAT", "DOG", 7] as const;

/** Each field is there half of the time. */
function message(random: Random, depth: number): Record<string, unknown> {
  const inner = (): unknown => (depth > 0 ? message(random, depth - 1) : {});
  const list = (one: () => unknown): unknown[] => Array.from({ length: random(3) }, one);
  const all: Record<string, () => unknown> = {
    name: () => pick(random, texts),
    small: () => random(5) - 2,
    big: () => pick(random, longs),
    ubig: () => pick(random, [0n, 2n ** 64n - 1n]),
    f: () => pick(random, [0, 0.5, 0.1, -1e-45, 123456789, Number.POSITIVE_INFINITY]),
    floats: () => list(() => pick(random, [0, -0, 0.1, 1 / 3])),
    floatBy: () => new Map(list(() => [pick(random, texts), 1 / 3]) as [string, unknown][]),
    d: () => pick(random, reals),
    yes: () => random(2) === 1,
    raw: () => pick(random, blobs),
    kind: () => pick(random, kinds),
    inner,
    list: () => list(() => pick(random, longs)),
    byName: () => new Map(list(() => [pick(random, texts), inner()]) as [string, unknown][]),
    byNumber: () => new Map(list(() => [pick(random, longs), pick(random, kinds)]) as [bigint, unknown][]),
    [pick(random, ["one", "two", "three"])]: () => "",
    note: () => pick(random, longs),
    raws: () => list(() => pick(random, blobs)),
    reals: () => list(() => pick(random, reals)),
    inners: () => list(inner),
    byBool: () => new Map(list(() => [random(2) === 1, pick(random, blobs)]) as [boolean, unknown][]),
  };
  if ("three" in all) all.three = () => pick(random, kinds);
  const there = Object.entries(all).filter(() => random(2) === 1);
  return Object.fromEntries(there.map(([key, make]) => [key, make()]));
}

function decoded(type: MessageType, value: unknown): [plain: string, canonical: string] {
  const bytes = type.encode!(value);
  return [JSON.stringify(type.decodeJson!(bytes)), JSON.stringify(type.toJson(type.decode!(bytes)))];
}

test("bytes become the JSON that their handler value becomes, to the letter", () => {
  const type = schema.message("p.M")!;
  for (let seed = 1; seed <= 2000; seed++) {
    const [plain, canonical] = decoded(type, message(randomOf(seed), 3));
    if (plain !== canonical) expect(`seed ${seed}: ${plain}`).toBe(`seed ${seed}: ${canonical}`);
  }
});

test("types that hold what has a form of its own keep that form", () => {
  const type = schema.message("p.Odd")!;
  const at = { seconds: 1n, nanos: 0 };
  const [plain, canonical] = decoded(type, { m: { big: 5n }, at, alias: 1 });
  expect(plain).toBe(canonical);
  expect(JSON.parse(plain)).toMatchObject({ m: { big: "5" }, at: "1970-01-01T00:00:01Z" });
});

test("a part of a chunk is read as the whole of it would be", () => {
  const type = schema.message("p.M")!;
  const bytes = type.encode!({ name: "part" });
  const chunk = Buffer.concat([Buffer.from([9, 9]), bytes, Buffer.from([9])]);
  expect(type.decodeJson!(chunk, 2, 2 + bytes.length)).toEqual({ name: "part" });
});

test("JSON becomes the handler value that its bytes become, whichever way it is read", () => {
  const type = schema.message("p.Plain")!;
  const plain = (random: Random, depth: number): Record<string, unknown> => {
    const inner = (): unknown => (depth > 0 ? plain(random, depth - 1) : {});
    const all: Record<string, () => unknown> = {
      name: () => pick(random, [...texts, "\ud800", 5]),
      count: () => pick(random, [0, -0, 1, -1, 2 ** 31 - 1, "7", null]),
      real: () => pick(random, [0, -0, 0.5, -1e300, "NaN", 3, "-0", Number.POSITIVE_INFINITY]),
      f: () => pick(random, [0, -0, 0.1, -1e-50, 3.4028235e38, 1, "0.1", -0, 2]),
      floats: () => [pick(random, [0, -0, 0.1, -1e-50, 3.4028235e38, 3, "0.1", 1e300])],
      yes: () => random(2) === 1,
      kind: () => pick(random, ["KIND_NONE", "DOG", 1]),
      inner,
      names: () => [pick(random, texts)],
      inners: () => [inner(), inner()],
      note: () => pick(random, [0, 1, 2 ** 32 - 1]),
      [random(9) === 0 ? "strange" : "big"]: () => "12",
    };
    const there = Object.entries(all).filter(() => random(2) === 1);
    return Object.fromEntries(there.map(([key, make]) => [key, make()]));
  };
  const outcome = (read: () => unknown): unknown => {
    try {
      return read();
    } catch (error) {
      return (error as Error).message;
    }
  };
  let taken = 0;
  for (let seed = 1; seed <= 2000; seed++) {
    const json = plain(randomOf(seed), 2);
    // wrapped once more it is read by its bytes: a map goes no short way
    const long = outcome(() => (schema.message("p.Box")!.fromJson({ in: { "": json } }) as Box).in[""]);
    const short = outcome(() => type.fromJson(json));
    if (typeof short !== "string") taken += 1;
    expect(`seed ${seed}: ${Bun.inspect(short)}`).toBe(`seed ${seed}: ${Bun.inspect(long)}`);
  }
  expect(taken).toBeGreaterThan(500);
});

interface Box {
  readonly in: Readonly<Record<string, unknown>>;
}

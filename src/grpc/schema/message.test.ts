import { describe, expect, test } from "bun:test";
import protobuf from "protobufjs";
import { MicrorunError } from "../../errors.ts";
import { parseSchema } from "./schema.ts";

const schema = parseSchema(
  "zoo.proto",
  `
syntax = "proto3";
package zoo;
enum Kind { KIND_NONE = 0; CAT = 1; DOG = 2; }
message Animal {
  string name = 1;
  int32 legs = 2;
  uint32 u32 = 3;
  sint32 s32 = 4;
  fixed32 f32 = 5;
  sfixed32 sf32 = 6;
  int64 big = 7;
  uint64 u64 = 8;
  sint64 s64 = 9;
  fixed64 f64 = 10;
  sfixed64 sf64 = 11;
  float weight = 12;
  double height = 13;
  bool tame = 14;
  bytes photo = 15;
  Kind kind = 16;
  Animal parent = 17;
  repeated Animal children = 18;
  repeated sint32 scores = 19;
  repeated string nick_names = 20;
  map<string, Animal> friends = 21;
  map<int64, Kind> kinds = 22;
  map<bool, string> answers = 23;
  oneof food { string plant = 24; Animal prey = 25; bool air = 26; }
  optional string note = 27;
  optional int32 count = 28;
  optional Kind maybe_kind = 29;
  string constructor = 30;
  string odd = 31 [json_name = "odd-name"];
}
`,
);
const animal = schema.message("zoo.Animal")!;
const pass = (value: unknown, type = animal): Record<string, unknown> =>
  type.decode!(type.encode!(value)) as never;
const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, v: unknown) => (typeof v === "bigint" ? `${v}n` : v)));

function refusal(attempt: () => unknown): string {
  try {
    attempt();
  } catch (error) {
    if (error instanceof MicrorunError && error.code === "invalid_argument") return error.message;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("A handler value", () => {
  test("of an empty message has the defaults of implicit fields and nothing else", () => {
    const value = animal.decode!(new Uint8Array()) as Record<string, unknown>;
    expect(plain(value)).toEqual({
      name: "",
      legs: 0,
      u32: 0,
      s32: 0,
      f32: 0,
      sf32: 0,
      big: "0n",
      u64: "0n",
      s64: "0n",
      f64: "0n",
      sf64: "0n",
      weight: 0,
      height: 0,
      tame: false,
      photo: {},
      kind: "KIND_NONE",
      children: [],
      scores: [],
      nickNames: [],
      friends: {},
      kinds: {},
      answers: {},
      constructor: "",
      "odd-name": "",
    });
    expect(value.big).toBe(0n);
    expect(value.photo).toEqual(new Uint8Array());
  });

  test("survives the wire whole", () => {
    const value = {
      name: "Ünal 🐈",
      legs: -4,
      u32: 4294967295,
      s32: -2147483648,
      f32: 4294967295,
      sf32: -1,
      big: -(2n ** 63n),
      u64: 2n ** 64n - 1n,
      s64: -5n,
      f64: 2n ** 63n,
      sf64: -(2n ** 63n),
      weight: 0.5,
      height: Math.PI,
      tame: true,
      photo: new Uint8Array([0, 255]),
      kind: "CAT",
      parent: { legs: 2 },
      children: [{ name: "a" }, {}],
      scores: [1, -1, 0],
      nickNames: ["", "b"],
      friends: { x: { name: "y" } },
      kinds: { "-7": "DOG" },
      answers: { true: "yes", false: "no" },
      prey: { name: "mouse" },
      note: "",
      count: 0,
      maybeKind: "KIND_NONE",
      constructor: "c",
      "odd-name": "o",
    };
    const back = pass(value);
    expect(back).toMatchObject(value as never);
    expect(pass(back)).toEqual(back);
  });

  test("keeps -0 and NaN, which are no defaults", () => {
    expect(Object.is(pass({ height: -0 }).height, -0)).toBe(true);
    expect(pass({ height: Number.NaN, weight: Number.POSITIVE_INFINITY })).toMatchObject({
      height: Number.NaN,
      weight: Number.POSITIVE_INFINITY,
    });
  });

  test("gives maps no prototype, so that no key finds what was not sent", () => {
    const hostile = JSON.parse('{"friends":{"__proto__":{"name":"evil"},"toString":{}}}');
    const { friends } = pass(hostile) as { friends: Record<string, unknown> };
    expect(Object.keys(friends)).toEqual(["__proto__", "toString"]);
    expect(friends.hasOwnProperty).toBeUndefined();
    expect(({} as { name?: string }).name).toBeUndefined();
  });

  test("does not share its arrays, maps and bytes with others or with the wire", () => {
    const bytes = animal.encode!({ photo: new Uint8Array([7]) });
    const one = animal.decode!(bytes) as { photo: Uint8Array; scores: number[]; friends: object };
    bytes.fill(0);
    expect(one.photo[0]).toBe(7);
    const other = animal.decode!(new Uint8Array()) as typeof one;
    expect(other.scores).not.toBe(one.scores);
    expect(other.friends).not.toBe(one.friends);
  });

  test("keeps the number of an enum value that the schema lacks", () => {
    expect(pass({ kind: 77 }).kind).toBe(77);
  });
});

describe("Encoding takes", () => {
  const cases: Record<string, [given: object, read: object]> = {
    "names of the .proto": [
      { nick_names: ["a"], odd: "x" },
      { nickNames: ["a"], "odd-name": "x" },
    ],
    "enums by number": [{ kind: 2 }, { kind: "DOG" }],
    "64-bit integers as numbers and decimal strings": [
      { big: -3, u64: "18446744073709551615" },
      { big: -3n, u64: 2n ** 64n - 1n },
    ],
    "bytes as base64 of either alphabet": [{ photo: "_-8" }, { photo: new Uint8Array([255, 239]) }],
    "undefined and null as unset": [
      { name: undefined, parent: null, note: null, scores: null, friends: undefined, plant: null },
      { name: "", scores: [] },
    ],
    "a Map for a map": [{ kinds: new Map([[5n, "CAT"]]) }, { kinds: { 5: "CAT" } }],
    "instances of a class": [
      new (class {
        name = "Rex";
        get legs() {
          return 4;
        }
      })(),
      { name: "Rex", legs: 4 },
    ],
    "nothing at all as an empty message": [undefined as never, { name: "" }],
  };
  for (const [name, [given, read]] of Object.entries(cases)) {
    test(name, () => expect(pass(given)).toMatchObject(read as never));
  }
  test("null for nothing but absence: an optional field stays absent", () => {
    expect("note" in pass({ note: null })).toBe(false);
  });
});

describe("Encoding refuses", () => {
  const cases: [given: unknown, says: string][] = [
    [{ name: 5 }, "zoo.Animal.name: a string is expected, got number"],
    [{ name: "\ud800" }, "zoo.Animal.name: the string is not valid Unicode"],
    [{ legs: 1.5 }, "zoo.Animal.legs: a whole number (int32) is expected, got 1.5"],
    [{ legs: "4" }, "zoo.Animal.legs: a whole number (int32) is expected, got string"],
    [{ legs: 2147483648 }, "zoo.Animal.legs: 2147483648 is out of range for int32"],
    [{ u32: -1 }, "zoo.Animal.u32: -1 is out of range for uint32"],
    [{ big: 2n ** 63n }, "zoo.Animal.big: 9223372036854775808 is out of range for int64"],
    [{ u64: -1n }, "zoo.Animal.u64: -1 is out of range for uint64"],
    [
      { big: 2 ** 60 },
      "zoo.Animal.big: a bigint, a safe integer or a decimal string (int64) is expected, got 1152921504606847000",
    ],
    [{ weight: 1e39 }, "zoo.Animal.weight: 1e+39 is out of range for float"],
    [{ weight: 3.4028236e38 }, "zoo.Animal.weight: 3.4028236e+38 is out of range for float"],
    [{ height: "1" }, "zoo.Animal.height: a number is expected, got string"],
    [{ tame: 1 }, "zoo.Animal.tame: a boolean is expected, got number"],
    [{ photo: "*" }, "zoo.Animal.photo: a Uint8Array or base64 is expected, got string"],
    [{ photo: [1] }, "zoo.Animal.photo: a Uint8Array or base64 is expected, got array"],
    [{ kind: "BIRD" }, "zoo.Animal.kind: zoo.Kind has no value BIRD"],
    [{ kind: true }, "zoo.Animal.kind: a value of zoo.Kind is expected, got boolean"],
    [{ scores: 1 }, "zoo.Animal.scores: an array is expected, got number"],
    [{ nickNames: [null] }, "zoo.Animal.nick_names: a string is expected, got null"],
    [{ parent: "x" }, "zoo.Animal.parent: an object (zoo.Animal) is expected, got string"],
    [{ parent: Promise.resolve({}) }, "zoo.Animal.parent: an object (zoo.Animal) is expected, got Promise"],
    [{ parent: new Date() }, "zoo.Animal.parent: an object (zoo.Animal) is expected, got Date"],
    [{ children: [{}, []] }, "zoo.Animal.children: an object (zoo.Animal) is expected, got array"],
    [{ friends: [] }, "zoo.Animal.friends: an object or a Map is expected, got array"],
    [
      { kinds: { x: 1 } },
      "zoo.Animal.kinds: a bigint, a safe integer or a decimal string (int64) is expected, got string",
    ],
    [{ answers: { maybe: "" } }, "zoo.Animal.answers: a boolean is expected, got string"],
    [{ nmae: "x" }, "zoo.Animal: there is no field nmae, did you mean name?"],
    [{ parent: { legz: 1 } }, "zoo.Animal: there is no field legz, did you mean legs?"],
    [{ plant: "p", air: false }, "zoo.Animal: only one of plant and air may be set"],
    ["text", "zoo.Animal: an object (zoo.Animal) is expected, got string"],
  ];
  for (const [given, says] of cases)
    test(says, () => expect(refusal(() => animal.encode!(given))).toBe(says));

  test("messages without end", () => {
    const round: { parent?: object } = {};
    round.parent = round;
    expect(refusal(() => animal.encode!(round))).toBe("zoo.Animal: messages are nested more than 100 deep");
  });
});

describe("Decoding refuses", () => {
  const cases: [hex: string, says: string | RegExp][] = [
    ["0a05", "zoo.Animal: the message is truncated"],
    ["0a", "zoo.Animal: the message is truncated"],
    ["0a80", "zoo.Animal: the message is truncated"],
    ["8a01030a0561", "zoo.Animal: the message is truncated"],
    ["3d", /zoo.Animal.big: wire type 5 does not fit/],
    ["0801", "zoo.Animal.name: wire type 0 does not fit"],
    ["1200", "zoo.Animal.legs: wire type 2 does not fit"],
    ["aa010408010a00", /zoo.Animal.friends: wire type 0 does not fit/],
    ["0a01ff", /^zoo.Animal: not a protobuf message/],
    ["00", /^zoo.Animal: not a protobuf message/],
    ["07", /^zoo.Animal: not a protobuf message/],
    ["0c", /^zoo.Animal.name: wire type 4 does not fit/],
    ["10ffffffffffffffffffff01", /^zoo.Animal: not a protobuf message/],
    ["9a0103ffff", "zoo.Animal: the message is truncated"],
  ];
  for (const [hex, says] of cases) {
    test(`${hex}: ${says}`, () => {
      const message = refusal(() => animal.decode!(Buffer.from(hex, "hex")));
      if (typeof says === "string") expect(message).toBe(says);
      else expect(message).toMatch(says);
    });
  }

  test("messages nested too deep", () => {
    let bytes = new Uint8Array();
    const writer = () => protobuf.Writer.create();
    for (let depth = 0; depth < 200; depth++)
      bytes = writer().uint32(138).bytes(bytes).finish() as Uint8Array<ArrayBuffer>;
    expect(refusal(() => animal.decode!(bytes))).toMatch(/nested more than 100 deep/);
  });

  test("nothing that protobuf allows: unknown fields, both forms of packing, split messages, the last of a oneof", () => {
    const split = Buffer.from(
      "8a01030a0161 8a01021004 9801 02 9a01020406 c201 0170 d00101 fa3f 0178".replaceAll(" ", ""),
      "hex",
    );
    const value = animal.decode!(split) as Record<string, unknown>;
    expect(value.parent).toMatchObject({ name: "a", legs: 4 });
    expect(value.scores).toEqual([1, 2, 3]);
    expect("plant" in value).toBe(false);
    expect(value.air).toBe(true);
  });

  test("garbage of any kind with invalid_argument, never otherwise", () => {
    let seed = 1;
    const random = (below: number): number => {
      seed = (seed * 48271) % 2147483647;
      return seed % below;
    };
    const sound = animal.encode!({
      name: "x",
      children: [{ legs: 3, friends: { a: {} } }],
      scores: [1, 2],
      photo: "aGk=",
      prey: { big: 7n },
    });
    for (let round = 0; round < 3000; round++) {
      const bytes =
        round % 2 === 0
          ? Uint8Array.from({ length: random(40) }, () => random(256))
          : Uint8Array.from(sound, (byte) => (random(8) === 0 ? random(256) : byte));
      try {
        animal.encode!(animal.decode!(bytes));
      } catch (error) {
        expect(error).toBeInstanceOf(MicrorunError);
        expect((error as MicrorunError).code).toBe("invalid_argument");
      }
    }
  });
});

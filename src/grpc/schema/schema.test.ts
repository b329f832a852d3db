import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MicrorunError } from "../../errors.ts";
import { embeddedProtos } from "./embedded-protos.ts";
import { loadSchema, type ProtoSchema, parseSchema } from "./schema.ts";

/** A disk that holds these files. */
const disk = (files: Record<string, string>) => ({ read: async (path: string) => files[path] });

async function refusal(attempt: () => unknown): Promise<{ message: string; hint: string | undefined }> {
  try {
    await attempt();
  } catch (error) {
    if (error instanceof MicrorunError && error.code === "invalid_argument") return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

const parse = (text: string): ProtoSchema => parseSchema("a.proto", text);
const proto3 = 'syntax = "proto3";\n';

describe("A schema's methods", () => {
  const schema = parse(`${proto3}package p.q;
    service S {
      rpc One(M) returns (M) { option idempotency_level = NO_SIDE_EFFECTS; }
      rpc Up(stream M) returns (M);
      rpc Down(M) returns (stream N);
      rpc Both(stream M) returns (stream N);
    }
    message M {} message N {}`);
  const methods = schema.services.get("p.q.S")!;

  test("have their names, streams and idempotency", () => {
    expect(
      methods.map(({ service, name, requestStream, responseStream, idempotent }) => [
        service,
        name,
        requestStream,
        responseStream,
        idempotent,
      ]),
    ).toEqual([
      ["p.q.S", "One", false, false, true],
      ["p.q.S", "Up", true, false, false],
      ["p.q.S", "Down", false, true, false],
      ["p.q.S", "Both", true, true, false],
    ]);
  });

  test("share the type of a message", () => {
    expect(methods[0]!.request).toBe(methods[0]!.response);
    expect(methods[2]!.response).toBe(schema.message("p.q.N")!);
    expect(methods[2]!.response.name).toBe("p.q.N");
  });

  test("are those of the files asked for, not of their imports", async () => {
    const files = disk({
      "a.proto": `${proto3}import "b.proto"; service A { rpc F(B) returns (B); }`,
      "b.proto": `${proto3}service Other { rpc F(B) returns (B); } message B {}`,
    });
    expect([...(await loadSchema(["a.proto"], files)).services.keys()]).toEqual(["A"]);
    expect([...(await loadSchema(["a.proto", "b.proto"], files)).services.keys()].toSorted()).toEqual([
      "A",
      "Other",
    ]);
  });
});

describe("Imports are found", () => {
  const one = `${proto3}message One {}`;
  const uses = (path: string): string => `${proto3}import "${path}"; message M { One one = 1; }`;
  const cases: Record<
    string,
    { files: Record<string, string>; root: string; names: string[]; importPaths?: string[] }
  > = {
    "beside the file": {
      files: { "x/m.proto": uses("one.proto"), "x/one.proto": one },
      root: "x/m.proto",
      names: ["one.proto", "m.proto"],
    },
    "from a folder above, which then names the file itself": {
      files: { "src/greeter/v1/m.proto": uses("greeter/v1/one.proto"), "src/greeter/v1/one.proto": one },
      root: "src/greeter/v1/m.proto",
      names: ["greeter/v1/one.proto", "greeter/v1/m.proto"],
    },
    "below third_party of a folder above": {
      files: { "api/m.proto": uses("one.proto"), "third_party/one.proto": one },
      root: "api/m.proto",
      names: ["one.proto", "m.proto"],
    },
    "in importPaths before all else": {
      files: { "m.proto": uses("one.proto"), "one.proto": "wrong", "lib/one.proto": one },
      root: "m.proto",
      names: ["one.proto", "m.proto"],
      importPaths: ["lib"],
    },
  };
  for (const [name, { files, root, names, importPaths = [] }] of Object.entries(cases)) {
    test(name, async () => {
      const schema = await loadSchema([root], { ...disk(files), importPaths });
      expect(schema.sources.map((file) => file.name)).toEqual(names);
      expect(schema.message("M")).toBeDefined();
    });
  }

  test("among the embedded ones: all of proto/google and proto/buf, each of them sound", () => {
    const files = [
      ...new Bun.Glob("{buf,google}/**/*.proto").scanSync(join(import.meta.dir, "../../../proto")),
    ];
    expect([...embeddedProtos.keys()].toSorted()).toEqual(files.toSorted());
    const all = [...embeddedProtos.keys()].map((name) => `import "${name}";`).join("\n");
    const schema = parse(`${proto3}${all}`);
    expect(schema.files().length).toBe(embeddedProtos.size + 1);
    expect(schema.message("google.api.HttpRule")!.toJson({ get: "/v1", responseBody: "x" })).toEqual({
      get: "/v1",
      responseBody: "x",
    });
    expect(schema.message("google.rpc.Status")).toBeDefined();
  });

  test("once, whichever ways lead to them", async () => {
    const files = disk({
      "a.proto": `${proto3}import "b.proto"; import "c.proto";`,
      "b.proto": `${proto3}import "c.proto";`,
      "c.proto": proto3,
    });
    expect(
      (await loadSchema(["c.proto", "a.proto", "b.proto", "a.proto"], files)).sources.map(
        (file) => file.name,
      ),
    ).toEqual(["c.proto", "b.proto", "a.proto"]);
  });

  test("with names of their own where two folders have files of one name", async () => {
    const files = disk({
      "a.proto": `${proto3}import "x/b.proto"; import "y/b.proto";`,
      "x/b.proto": `${proto3}import "types.proto"; message B { T t = 1; }`,
      "x/types.proto": `${proto3}message T {}`,
      "y/b.proto": `${proto3}package y; import "types.proto"; message B { T t = 1; }`,
      "y/types.proto": `${proto3}package y; message T {}`,
    });
    const names = (await loadSchema(["a.proto"], files)).files().map((file) => file.name);
    expect(names).toEqual(["types.proto", "x/b.proto", "y/types.proto", "y/b.proto", "a.proto"]);
  });

  test("with names that tell files asked for apart, by their folders", async () => {
    const files = disk({
      "/protos/a/v1/types.proto": `${proto3}package a; message T {}`,
      "/protos/b/v1/types.proto": `${proto3}package b; message T {}`,
      "/protos/b/v1/uses.proto": `${proto3}package b; import "types.proto"; message U { T t = 1; }`,
    });
    const names = async (...paths: string[]) =>
      (await loadSchema(paths, files)).files().map((file) => file.name);
    const [a, b, uses] = ["/protos/a/v1/types.proto", "/protos/b/v1/types.proto", "/protos/b/v1/uses.proto"];
    expect(await names(a, b)).toEqual(["a/v1/types.proto", "b/v1/types.proto"]);
    expect(await names(a, b, uses)).toEqual(["a/v1/types.proto", "types.proto", "uses.proto"]);
    expect(await names(a, uses)).toEqual(["a/v1/types.proto", "types.proto", "uses.proto"]);
  });

  test("from public imports of imports", async () => {
    const files = disk({
      "a.proto": `${proto3}import "b.proto"; message A { C c = 1; }`,
      "b.proto": `${proto3}import public "c.proto";`,
      "c.proto": `${proto3}message C {}`,
    });
    expect((await loadSchema(["a.proto"], files)).message("A")).toBeDefined();
  });
});

describe("Files are refused:", () => {
  const cases: Record<string, [files: Record<string, string>, says: string | RegExp]> = {
    "the file that does not exist": [{}, "cannot read a.proto: there is no such file"],
    "an import that does not exist": [
      { "a.proto": `${proto3}\nimport "b/c.proto";` },
      /^a.proto:3:1: import "b\/c.proto" is not found: searched \., /,
    ],
    "imports in a circle": [
      { "a.proto": `${proto3}import "b.proto";`, "b.proto": `${proto3}import "a.proto";` },
      "b.proto:2:1: imports go round in a circle: a.proto → b.proto → a.proto",
    ],
    "an import that climbs": [
      { "a.proto": `${proto3}import "../b.proto";` },
      'a.proto:2:1: import "../b.proto" is not a path below a folder',
    ],
    "a type of a file that is not imported": [
      {
        "a.proto": `${proto3}import "b.proto"; message A {\n  C c = 1;\n}`,
        "b.proto": `${proto3}import "c.proto";`,
        "c.proto": `${proto3}message C {}`,
      },
      "a.proto:3:3: A.c: C is defined in c.proto, which is not imported",
    ],
    "a name that two files define": [
      { "a.proto": `${proto3}import "b.proto";\nmessage A {}`, "b.proto": `${proto3}message A {}` },
      /A/,
    ],
  };
  for (const [name, [files, says]] of Object.entries(cases)) {
    test(name, async () => {
      const { message } = await refusal(() => loadSchema(["a.proto"], disk(files)));
      if (typeof says === "string") expect(message).toBe(says);
      else expect(message).toMatch(says);
    });
  }

  test("imports nested too deep, and too many files", async () => {
    const chain = { read: async (path: string) => `import "${Number.parseInt(path, 10) + 1}.proto";` };
    expect((await refusal(() => loadSchema(["0.proto"], chain))).message).toEndWith(
      "imports are nested more than 100 deep",
    );
    const all = Array.from({ length: 1001 }, (_, at) => `import "${at}.proto";`).join("\n");
    const many = { read: async (path: string) => (path === "a.proto" ? all : "") };
    expect((await refusal(() => loadSchema(["a.proto"], many))).message).toEndWith(
      "a schema of more than 1000 files",
    );
  });

  test("a folder", async () => {
    expect((await refusal(() => loadSchema([import.meta.dir]))).message).toEndWith("it is a folder");
  });

  test("with a hint where an import may be put", async () => {
    expect(
      (await refusal(() => loadSchema(["a.proto"], disk({ "a.proto": 'import "b.proto";' })))).hint,
    ).toBe("put b.proto below one of these folders");
  });
});

describe("Text is refused at its place:", () => {
  const cases: [text: string, says: string][] = [
    ["message M {\n  string name 1;\n}", 'a.proto:3:15: unexpected "1", "=" is expected'],
    ["message M {\n  string name = x;\n}", 'a.proto:3:17: "x" is not a valid id'],
    ["message M {\n  strin name = 1;\n}", "a.proto:3:3: M.name: there is no message or enum strin"],
    [
      "message User {}\nmessage M {\n  Usr name = 1;\n}",
      "a.proto:4:3: M.name: there is no message or enum Usr, did you mean User?",
    ],
    ["message M {", "a.proto:2:1: the file ends too early"],
    ['import "x', "a.proto:2:1: unfinished string"],
    ["/* never", "a.proto:2:1: unfinished comment"],
    ["bogus", 'a.proto:2:1: unexpected "bogus"'],
    ["message M {\n  string a = 1;\n  string b = 1;\n}", "a.proto:4:12: M has number 1 twice"],
    ["message M {\n  string a = 1;\n  string a = 2;\n}", "a.proto:4:10: M has name a twice"],
    ["message M {\n  reserved 2;\n  string a = 2;\n}", "a.proto:4:12: M has number 2 and reserves it"],
    ["message M {\n  string a = 2;\n  reserved 1 to 3;\n}", "a.proto:3:10: M.a: number 2 is reserved"],
    ['message M {\n  string a = 2;\n  reserved "a";\n}', "a.proto:3:10: M.a: the name is reserved"],
    [
      "message M {\n  string a = 19001;\n}",
      "a.proto:3:10: M.a: numbers 19000 to 19999 belong to protobuf itself",
    ],
    ["message M {\n  string a = 0;\n}", "a.proto:3:10: M.a: number 0 is not between 1 and 536870911"],
    [
      "message M {\n  string a = 536870912;\n}",
      "a.proto:3:10: M.a: number 536870912 is not between 1 and 536870911",
    ],
    ["enum E {\n  A = 1;\n}", "a.proto:3:3: E: the first value must be 0, A is 1"],
    ["enum E {\n  A = 0;\n  B = 0;\n}", "a.proto:4:5: E has number 0 twice"],
    ["enum E {}", "a.proto:2:6: E: an enum needs a value"],
    ["enum E { A = 0; }\nenum F {\n  A = 0;\n}", "a.proto:3:6: A is already defined in a.proto"],
    [
      "message M {\n  string foo_bar = 1;\n  string fooBar = 2;\n}",
      "a.proto:4:10: M.fooBar and foo_bar have the same name in JSON, fooBar",
    ],
    ["message M {\n  string __proto__ = 1;\n}", "a.proto:3:10: __proto__ cannot be used as a name"],
    [
      'message M {\n  string a = 1 [json_name = "__proto__"];\n}',
      "a.proto:3:10: M.a: __proto__ cannot be used as a name",
    ],
    ["service S {\n  rpc F(Nope) returns (Nope);\n}", "a.proto:3:9: S.F: there is no message Nope"],
    ["enum E { A = 0; }\nservice S {\n  rpc F(E) returns (E);\n}", "a.proto:4:9: S.F: there is no message E"],
    ["extend Nope {\n  string x = 1;\n}", "a.proto:2:8: x: there is no message Nope"],
    ["message M {\n  map<string, Nope> m = 1;\n}", "a.proto:3:15: M.m: there is no message or enum Nope"],
    ["message M {}\nservice S { rpc F(M) returns (M); }\nmessage M {}", "a.proto:4:9: M is already defined"],
    ["package p;\nmessage M {}\nenum M { A = 0; }", "a.proto:4:6: p.M is already defined"],
    [
      "message M {\n  M a = 1;\n  message N {}\n  N b = 2;\n  enum N { A = 0; }\n}",
      "a.proto:6:8: M has name N twice",
    ],
    ["message M {\n  map<double, double> m = 1;\n}", 'a.proto:3:15: "double" is not a valid map key'],
    ["message M {\n  map < M , string > m = 1;\n}", 'a.proto:3:9: "M" is not a valid map key'],
    ["message M {\n  required string a = 1;\n}", 'a.proto:3:3: unexpected "required"'],
  ];
  for (const [text, says] of cases) {
    test(says, async () => expect((await refusal(() => parse(proto3 + text))).message).toBe(says));
  }

  test("a type whose import is missing, with the import to add", async () => {
    const stamp = await refusal(() => parse(`${proto3}message M {\n  google.protobuf.Timestamp at = 1;\n}`));
    expect([stamp.message, stamp.hint]).toEqual([
      "a.proto:3:3: M.at: there is no message or enum google.protobuf.Timestamp",
      'add import "google/protobuf/timestamp.proto";',
    ]);
    const empty = await refusal(() =>
      parse(`${proto3}service S {\n  rpc F(.google.protobuf.Empty) returns (google.rpc.Status);\n}`),
    );
    expect(empty.hint).toBe('add import "google/protobuf/empty.proto";');
    const files = disk({
      "a.proto": `${proto3}import "b.proto"; message A { C c = 1; }`,
      "b.proto": `${proto3}import "c.proto";`,
      "c.proto": `${proto3}message C {}`,
    });
    expect((await refusal(() => loadSchema(["a.proto"], files))).hint).toBe('add import "c.proto";');
  });

  test("an extension out of the declared range, in proto2", async () => {
    const text = "message M {\n  extensions 100 to 200;\n}\nextend M {\n  optional string x = 99;\n}";
    expect((await refusal(() => parse(text))).message).toBe(
      "a.proto:5:19: x: M does not declare 99 for extensions",
    );
  });
});

test("Names are resolved by protobuf's scoping, not by likeness", () => {
  const schema = parseSchema(
    "scopes.proto",
    readFileSync(join(import.meta.dir, "../../../test/fixtures/proto/scopes.proto"), "utf8"),
  );
  const holder = schema.message("a.b.Holder")!;
  const value = { foo: { outer: "o" }, deepFoo: { deep: "d" }, big: {}, foos: { x: { deep: "e" } } };
  expect(holder.toJson(value)).toEqual(value);
  expect(() => holder.toJson({ foo: { deep: "d" } })).toThrow("a.b.Foo: there is no field deep");
});

test("A file says what it depends on and defines", () => {
  const schema = parse(
    `${proto3}package p; import "google/protobuf/empty.proto"; service S { rpc F(M) returns (google.protobuf.Empty); } message M { enum E { A = 0; } string x = 1; }`,
  );
  const files = schema.files();
  expect(files).toBe(schema.files());
  expect(files.map((file) => file.name)).toEqual(["google/protobuf/empty.proto", "a.proto"]);
  expect(files[1]!.dependencies).toEqual(["google/protobuf/empty.proto"]);
  expect([...files[1]!.symbols].toSorted()).toEqual(["p.M", "p.M.A", "p.M.E", "p.M.x", "p.S", "p.S.F"]);
});

test("Names that every object has are names like others", () => {
  const schema = parse(`${proto3}
    message hasOwnProperty { int32 x = 1; int32 y = 2; }
    enum valueOf { ZERO = 0; ONE = 1; }
    message Object {
      hasOwnProperty y = 1;
      valueOf z = 2;
      map<string, toString> toString = 3;
      hasOwnProperty constructor = 4;
      oneof o { string isPrototypeOf = 5; hasOwnProperty toLocaleString = 6; }
    }
    message toString { string valueOf = 1; }
    service isPrototypeOf { rpc toString(Object) returns (hasOwnProperty); }`);
  const { request } = schema.services.get("isPrototypeOf")![0]!;
  expect(schema.files()[0]!.symbols).toContain("isPrototypeOf.toString");
  const value = {
    y: { x: 1 },
    z: "ONE",
    toString: { a: { valueOf: "s" } },
    constructor: { x: 2 },
    toLocaleString: { y: 1 },
  };
  expect(request.toJson(request.fromJson(value))).toEqual(value);
  // two parts of one message, to be merged
  const split = Uint8Array.from([34, 2, 8, 1, 34, 2, 16, 2]);
  expect(request.toJson(request.decode!(split))).toEqual({ constructor: { x: 1, y: 2 } });
});

test("Names may have __proto__ within", () => {
  const type = parse(
    `${proto3}message my__proto__x { string __proto__y = 1; string x__proto__ = 2; }`,
  ).message("my__proto__x")!;
  const value = { x__proto__: "a" };
  expect(type.decode!(type.encode!(value))).toMatchObject({ xProto: "a" });
});

test("A group may be one of a oneof", () => {
  const type = parse(`message M {
    oneof o { string a = 1; group Part = 2 { optional int32 z = 1; optional string q = 2; } }
    optional string b = 3;
  }`).message("M")!;
  const bytes = Uint8Array.from([19, 8, 5, 20, 26, 1, 98]);
  expect(type.encode!({ part: { z: 5 }, b: "b" })).toEqual(bytes);
  expect(type.decode!(bytes)).toEqual({ part: { z: 5 }, b: "b" });
  expect(type.toJson(type.fromJson({ part: { q: "x" } }))).toEqual({ part: { q: "x" } });
  expect(type.decode!(Uint8Array.from([...bytes, 10, 1, 97]))).toEqual({ a: "a", b: "b" });
  expect(() => type.encode!({ a: "", part: {} })).toThrow("only one of a and part may be set");
});

test("A proto2 field that every object has by name is missed when it is required", () => {
  const type = parse("message M { required string toString = 1; }").message("M")!;
  expect(() => type.decode!(new Uint8Array())).toThrow("M.toString: a required field is missing");
});

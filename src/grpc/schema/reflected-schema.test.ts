import { expect, test } from "bun:test";
import type { Call, Dispatch } from "../../call.ts";
import { MicrorunError } from "../../errors.ts";
import type { PeerFile } from "./peer-descriptors.ts";
import { peerRoot } from "./peer-schema.ts";
import { reflectedMethod, reflectedMethods } from "./reflected-schema.ts";
import { parseSchema } from "./schema.ts";

const greeter = parseSchema(
  "greeter.proto",
  `syntax = "proto3";
  package greeter;
  import "google/protobuf/timestamp.proto";
  import "google/protobuf/struct.proto";
  enum Mood { CALM = 0; ANGRY = 1; }
  message Inner { int64 big = 1; }
  message HelloRequest {
    string name = 1;
    optional int32 last_seen = 2;
    repeated sint32 codes = 3;
    map<string, Inner> labels = 4;
    oneof how { string by_mail = 5; bytes by_hand = 6; }
    Mood mood = 7;
    google.protobuf.Timestamp at = 8;
    google.protobuf.Struct extra = 9;
    HelloRequest next = 10;
  }
  message HelloReply { string greeting = 1; }
  service Greeter {
    rpc Hello(HelloRequest) returns (HelloReply) { option idempotency_level = NO_SIDE_EFFECTS; }
    rpc Chat(stream HelloRequest) returns (stream HelloReply);
  }`,
);

interface Peer {
  readonly services?: readonly string[];
  /** Bytes by the file's name; asked by symbol it sends the one named `greeter.proto`. */
  readonly files?: ReadonlyMap<string, Uint8Array>;
  /** @default v1 */
  readonly version?: string;
}

/** Answers reflection as a server does, one file at a time. */
function peer({ services = ["greeter.Greeter"], files = filesOf(greeter), version = "v1" }: Peer): Dispatch {
  const answer = (asked: Record<string, string>): object => {
    if (asked.listServices !== undefined)
      return { listServicesResponse: { service: services.map((name) => ({ name })) } };
    const bytes = files.get(asked.fileByFilename ?? "greeter.proto");
    if (bytes === undefined) return { errorResponse: { errorCode: 5, errorMessage: "unknown" } };
    return { fileDescriptorResponse: { fileDescriptorProto: [bytes] } };
  };
  return async (call: Call) => {
    if (call.service !== `grpc.reflection.${version}.ServerReflection`)
      throw new MicrorunError("unimplemented", `unknown service ${call.service}`);
    return (async function* () {
      for await (const asked of call.request as AsyncIterable<Record<string, string>>) yield answer(asked);
    })();
  };
}

function filesOf(schema: typeof greeter): Map<string, Uint8Array> {
  const own = schema.files().filter(({ name }) => !name.startsWith("google/"));
  return new Map(own.map(({ name, bytes }) => [name, bytes]));
}

const learn = (dispatch: Dispatch, service = "greeter.Greeter", method = "Hello") =>
  reflectedMethod(dispatch, service, method, new AbortController().signal);

test("all methods of the services that are wanted are learnt, those whose schema is refused left out", async () => {
  const services = ["grpc.reflection.v1.ServerReflection", "greeter.Greeter"];
  const { signal } = new AbortController();
  const wanted = (name: string): boolean => !name.startsWith("grpc.");
  for (const version of ["v1", "v1alpha"]) {
    const methods = await reflectedMethods(peer({ services, version }), wanted, signal);
    expect(methods?.map(({ service, name }) => `${service}/${name}`)).toEqual([
      "greeter.Greeter/Hello",
      "greeter.Greeter/Chat",
    ]);
    expect(methods?.[1]?.requestStream).toBe(true);
    expect(methods?.[0]?.request.schema?.().$ref).toBe("#/$defs/greeter.HelloRequest");
  }
  const files = new Map([["greeter.proto", new Uint8Array([1, 2, 3])]]);
  expect(await reflectedMethods(peer({ files }), wanted, signal)).toEqual([]);
  expect(await reflectedMethods(peer({ version: "v9" }), wanted, signal)).toBeUndefined();
});

const failure = async (work: Promise<unknown>): Promise<MicrorunError> =>
  work.then(
    () => expect.unreachable(),
    (error: MicrorunError) => error,
  );

const request = {
  name: "John",
  lastSeen: 0,
  codes: [-1, 2],
  labels: { a: { big: "9007199254740993" } },
  byHand: "aGk=",
  mood: "ANGRY",
  at: "2026-01-02T03:04:05Z",
  extra: { list: [1, null, { deep: true }] },
  next: { name: "Jane" },
};

test("a method learnt by reflection has the bytes and the JSON that its .proto gives it", async () => {
  const [declared] = greeter.services.get("greeter.Greeter")!;
  const method = (await learn(peer({})))!;
  expect(method).toMatchObject({
    service: "greeter.Greeter",
    name: "Hello",
    idempotent: true,
    requestStream: false,
  });
  const bytes = method.request.encode!(method.request.fromJson(request));
  expect(bytes).toEqual(declared!.request.encode!(declared!.request.fromJson(request)));
  expect(method.request.toJson(method.request.decode!(bytes))).toEqual(
    declared!.request.toJson(declared!.request.decode!(bytes)),
  );
  expect(method.response.name).toBe("greeter.HelloReply");
});

test("proto2's groups, required and unpacked fields are learnt as they are", async () => {
  const old = parseSchema(
    "greeter.proto",
    `syntax = "proto2"; package greeter;
    message Old { required string a = 1; repeated int32 b = 2; repeated group Part = 3 { optional int32 n = 1; } }
    service Greeter { rpc Hello(Old) returns (Old); }`,
  );
  const json = { a: "x", b: [1, 2], part: [{ n: 3 }] };
  const [declared] = old.services.get("greeter.Greeter")!;
  const { request: type } = (await learn(peer({ files: filesOf(old) })))!;
  expect(type.encode!(type.fromJson(json))).toEqual(
    declared!.request.encode!(declared!.request.fromJson(json)),
  );
  expect(() => type.encode!({})).toThrow("required");
});

test("both sides of a stream are known to stream", async () => {
  expect(await learn(peer({}), "greeter.Greeter", "Chat")).toMatchObject({
    requestStream: true,
    responseStream: true,
  });
});

test("v1alpha is asked where v1 is not there, and nothing is learnt where neither is", async () => {
  expect((await learn(peer({ version: "v1alpha" })))?.name).toBe("Hello");
  expect(await learn(peer({ version: "v2" }))).toBeUndefined();
});

test("a service is found by its last part where its package is another", async () => {
  const method = await learn(peer({}), "shop.Greeter");
  expect(method?.service).toBe("greeter.Greeter");
  const two = peer({ services: ["a.Greeter", "b.Greeter"] });
  expect(await learn(two, "shop.Greeter")).toBeUndefined();
});

test("a service without a schema is left to JSON", async () => {
  expect(await learn(peer({ files: new Map() }))).toBeUndefined();
});

test("an unknown service or method is told with the nearest", async () => {
  const service = await failure(learn(peer({}), "greeter.Greter"));
  expect(service).toMatchObject({
    code: "unimplemented",
    message: "there is no service greeter.Greter, did you mean greeter.Greeter?",
  });
  const method = await failure(learn(peer({}), "greeter.Greeter", "Helo"));
  expect(method.message).toBe("greeter.Greeter has no method Helo, did you mean Hello?");
});

test("a peer that cannot be reached is not taken for one without reflection", async () => {
  const gone: Dispatch = async () => {
    throw new MicrorunError("unavailable", "connection refused");
  };
  expect((await failure(learn(gone))).code).toBe("unavailable");
});

test("what every schema imports is our own, whatever the peer says of it", async () => {
  const files = filesOf(greeter);
  files.set("google/protobuf/timestamp.proto", new Uint8Array([1, 2, 3]));
  const { request: type } = (await learn(peer({ files })))!;
  expect(type.toJson(type.fromJson({ at: "2026-01-02T03:04:05Z" }))).toMatchObject({
    at: "2026-01-02T03:04:05Z",
  });
});

test("bytes that are no descriptor are refused", async () => {
  const files = new Map([["greeter.proto", new Uint8Array([0xff, 0xff, 0xff])]]);
  expect((await failure(learn(peer({ files })))).code).toBe("failed_precondition");
});

/** A file with one message, which has one field. */
function file(change: {
  package?: string;
  message?: string;
  field?: Record<string, unknown>;
  syntax?: string;
}): PeerFile {
  const field = { name: "a", number: 1, label: "LABEL_OPTIONAL", type: "TYPE_STRING", ...change.field };
  const empty = { nestedType: [], enumType: [], oneofDecl: [] };
  return {
    name: "x.proto",
    package: change.package ?? "x",
    dependency: [],
    messageType: [{ name: change.message ?? "M", field: [field], ...empty }],
    enumType: [],
    service: [],
    syntax: change.syntax ?? "proto3",
  };
}

test("a plain file becomes a type", () => {
  expect(peerRoot([file({})]).lookupType("x.M").fields.a?.id).toBe(1);
});

const code = 'a"](){};globalThis.owned=1;//';
test.each([
  ["a message", file({ message: code })],
  ["a package", file({ package: code })],
  ["a field", file({ field: { name: code } })],
  ["a long JSON name", file({ field: { jsonName: "n".repeat(300) } })],
  ["a type", file({ field: { type: "TYPE_MESSAGE", typeName: `.x.${code}` } })],
  ["a syntax", file({ syntax: code })],
  ["a prototype", file({ message: "__proto__" })],
  ["a package's prototype", file({ package: "x.__proto__" })],
  ["a JSON name's prototype", file({ field: { jsonName: "__proto__" } })],
  ["an empty name", file({ message: "" })],
  ["a long name", file({ message: "M".repeat(300) })],
  ["a number", file({ field: { number: 0 } })],
  ["a scalar", file({ field: { type: "TYPE_toString" } })],
  ["a message that is not there", file({ field: { type: "TYPE_MESSAGE", typeName: ".x.Nowhere" } })],
])("%s that must not reach a code generator is refused", (_, hostile) => {
  const build = () => peerRoot([hostile]);
  expect(build).toThrow(MicrorunError);
  expect(build).toThrow("the peer's schema: ");
  expect("owned" in globalThis).toBe(false);
});

test("names that every object has are learnt like others, and any JSON name that a file of one's own may have", async () => {
  const named = parseSchema(
    "greeter.proto",
    `syntax = "proto3"; package constructor.prototype;
    enum valueOf { toString = 0; toLocaleString = 1; }
    message prototype {
      string constructor = 1;
      repeated prototype prototype = 2;
      map<string, valueOf> hasOwnProperty = 3;
      oneof isPrototypeOf { valueOf kind = 4; string text = 5; }
      string other = 6 [json_name = "other name"];
      string code = 7 [json_name = ${JSON.stringify(code)}];
    }
    message constructor { prototype constructor = 1; }
    service Greeter { rpc constructor(constructor) returns (prototype); }`,
  );
  const service = "constructor.prototype.Greeter";
  const { request: type } = (await learn(
    peer({ services: [service], files: filesOf(named) }),
    service,
    "constructor",
  ))!;
  const json = {
    constructor: {
      constructor: "a",
      prototype: [{ constructor: "b" }],
      hasOwnProperty: { constructor: "toLocaleString" },
      kind: "toLocaleString",
      "other name": "c",
      [code]: "d",
    },
  };
  const [declared] = named.services.get(service)!;
  const bytes = type.encode!(type.fromJson(json));
  expect(bytes).toEqual(declared!.request.encode!(declared!.request.fromJson(json)));
  expect(type.toJson(type.decode!(bytes))).toEqual(json);
  expect(type.decodeJson!(bytes)).toEqual(json);
  expect(Object.hasOwn(Object.prototype, "owned") || "owned" in globalThis).toBe(false);
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect({}.constructor).toBe(Object);
});

test("a service that is not listed is left to JSON where none but the runtime's own are", async () => {
  const services = [
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "debug.Debug",
    "proto.Debug",
  ];
  expect(await learn(peer({ services }))).toBeUndefined();
});

test("messages nested without end, and names without number, are refused", () => {
  let message = file({}).messageType[0]!;
  for (let depth = 0; depth < 40; depth++) message = { ...message, field: [], nestedType: [message] };
  expect(() => peerRoot([{ ...file({}), messageType: [message] }])).toThrow("nested");
  const value = Array.from({ length: 100_001 }, (_, number) => ({ name: `V${number}`, number }));
  expect(() => peerRoot([{ ...file({}), enumType: [{ name: "E", value }] }])).toThrow("names");
});

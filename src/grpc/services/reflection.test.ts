import { expect, test } from "bun:test";
import { jsonMethod } from "../../call.ts";
import type { Context, Schema, Service } from "../../service/service.ts";
import { parseSchema } from "../schema/schema.ts";
import { reflectionPart } from "./reflection.ts";

const text = `syntax = "proto2";
package shop;
import "google/protobuf/timestamp.proto";
message Item {
  optional string name = 1;
  optional google.protobuf.Timestamp made = 2;
  extensions 100 to 199;
  message Inner { extend Item { optional int32 depth = 101; } }
}
extend Item { optional string colour = 100; }
service Shop { rpc Buy(Item) returns (Item); }
`;

interface Answer {
  originalRequest: object;
  listServicesResponse: { service: { name: string }[] };
  fileDescriptorResponse: { fileDescriptorProto: Uint8Array[] };
  allExtensionNumbersResponse: object;
  errorResponse?: { errorCode: number };
}

const ask = (...requests: object[]): AsyncGenerator<Answer> =>
  askOf(parseSchema("shop.proto", text), ...requests);

function askOf(schema: Schema, ...requests: object[]): AsyncGenerator<Answer> {
  const part = reflectionPart(() => service);
  const own = [...schema.services.values()]
    .flat()
    .map((method) => ({ method, handler: undefined, internal: false }));
  const service = {
    endpoints: [...own, ...part.endpoints],
    schemas: [schema, ...part.schemas],
  } as Partial<Service> as Service;
  async function* stream() {
    yield* requests;
  }
  const [v1] = part.endpoints;
  return v1?.handler?.(stream(), {} as Context) as AsyncGenerator<Answer>;
}

const names = (answer: Answer) =>
  answer.fileDescriptorResponse.fileDescriptorProto.map((bytes: Uint8Array) => {
    const length = bytes[1] ?? 0;
    return Buffer.from(bytes.subarray(2, 2 + length)).toString();
  });

test("all services are listed, reflection's own too", async () => {
  const [answer] = await Array.fromAsync(ask({ listServices: "" }));
  expect(answer?.listServicesResponse.service).toEqual([
    { name: "grpc.reflection.v1.ServerReflection" },
    { name: "grpc.reflection.v1alpha.ServerReflection" },
    { name: "shop.Shop" },
  ]);
});

test("a symbol brings its file and what it imports, once per stream", async () => {
  const [first, second] = await Array.fromAsync(
    ask({ fileContainingSymbol: "shop.Shop.Buy" }, { fileContainingSymbol: "shop.Item.Inner" }),
  );
  expect(names(first!)).toEqual(["shop.proto", "google/protobuf/timestamp.proto"]);
  expect(names(second!)).toEqual(["shop.proto"]);
  expect(first?.originalRequest).toEqual({ fileContainingSymbol: "shop.Shop.Buy" });
});

test("a file is found by its name, an imported one too", async () => {
  const [answer] = await Array.fromAsync(ask({ fileByFilename: "google/protobuf/timestamp.proto" }));
  expect(names(answer!)).toEqual(["google/protobuf/timestamp.proto"]);
});

test("extensions are found by number", async () => {
  const [numbers, file, none] = await Array.fromAsync(
    ask(
      { allExtensionNumbersOfType: "shop.Item" },
      { fileContainingExtension: { containingType: "shop.Item", extensionNumber: 101 } },
      { fileContainingExtension: { containingType: "shop.Item", extensionNumber: 102 } },
    ),
  );
  expect(numbers?.allExtensionNumbersResponse).toEqual({
    baseTypeName: "shop.Item",
    extensionNumber: [100, 101],
  });
  expect(names(file!)[0]).toBe("shop.proto");
  expect(none?.errorResponse?.errorCode).toBe(5);
});

test("what is unknown is answered by error 5, and the stream goes on", async () => {
  const answers = await Array.fromAsync(
    ask({ fileContainingSymbol: "shop.Nope" }, { fileByFilename: "nope.proto" }, {}, { listServices: "*" }),
  );
  expect(answers.map((answer) => answer.errorResponse?.errorCode)).toEqual([5, 5, 3, undefined]);
});

const builtins = ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"];

const filesOf = async (schema: Schema, symbols: readonly string[]): Promise<string[][]> => {
  const asked = symbols.map((fileContainingSymbol) => ({ fileContainingSymbol }));
  return (await Array.fromAsync(askOf(schema, ...asked))).map(names);
};

test("a file of another folder that has a built-in file's last name hides none of its services", async () => {
  const own = parseSchema("reflection.proto", 'syntax = "proto3"; package mine; message M {}');
  expect(await filesOf(own, ["mine.M", ...builtins])).toEqual([
    ["reflection.proto"],
    ["grpc/reflection/v1/reflection.proto"],
    ["grpc/reflection/v1alpha/reflection.proto"],
  ]);
});

test("a file of a built-in one's name makes that one go by another, told in its bytes", async () => {
  const name = "grpc/reflection/v1/reflection.proto";
  const own = parseSchema(name, 'syntax = "proto3"; package mine; message M {}');
  expect(await filesOf(own, ["mine.M", ...builtins])).toHaveLength(3);
  const { message } = parseSchema("d.proto", 'import "google/protobuf/descriptor.proto";');
  const answers = await Array.fromAsync(
    askOf(
      own,
      { fileContainingSymbol: builtins[0] },
      { fileByFilename: `microrun/${name}` },
      { fileByFilename: name },
    ),
  );
  const decoded = answers.map(
    ({
      fileDescriptorResponse: {
        fileDescriptorProto: [bytes],
      },
    }) => message("google.protobuf.FileDescriptorProto")!.decode!(bytes!),
  );
  expect(decoded[0]).toMatchObject({ name: `microrun/${name}`, package: "grpc.reflection.v1" });
  expect(decoded[1]).toEqual(decoded[0]);
  expect(decoded[2]).toMatchObject({ name, package: "mine" });
});

test("a service without a schema is not listed: nothing could be told of it", async () => {
  const none: Schema = {
    services: new Map([["Greeter", [jsonMethod("Greeter", "Hello")]]]),
    files: () => [],
  };
  const [answer] = await Array.fromAsync(askOf(none, { listServices: "" }));
  expect(answer?.listServicesResponse.service.map(({ name }) => name)).toEqual(builtins);
});

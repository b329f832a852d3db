import { expect, test } from "bun:test";
import type { Context, Service } from "../service/service.ts";
import { reflectionPart } from "./reflection.ts";
import { parseSchema } from "./schema.ts";

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
  original_request: object;
  list_services_response: { service: { name: string }[] };
  file_descriptor_response: { file_descriptor_proto: Uint8Array[] };
  all_extension_numbers_response: object;
  error_response?: { error_code: number };
}

function ask(...requests: object[]): AsyncGenerator<Answer> {
  const schema = parseSchema("shop.proto", text);
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
  answer.file_descriptor_response.file_descriptor_proto.map((bytes: Uint8Array) => {
    const length = bytes[1] ?? 0;
    return Buffer.from(bytes.subarray(2, 2 + length)).toString();
  });

test("all services are listed, reflection's own too", async () => {
  const [answer] = await Array.fromAsync(ask({ list_services: "" }));
  expect(answer?.list_services_response.service).toEqual([
    { name: "grpc.reflection.v1.ServerReflection" },
    { name: "grpc.reflection.v1alpha.ServerReflection" },
    { name: "shop.Shop" },
  ]);
});

test("a symbol brings its file and what it imports, once per stream", async () => {
  const [first, second] = await Array.fromAsync(
    ask({ file_containing_symbol: "shop.Shop.Buy" }, { file_containing_symbol: "shop.Item.Inner" }),
  );
  expect(names(first!)).toEqual(["shop.proto", "google/protobuf/timestamp.proto"]);
  expect(names(second!)).toEqual(["shop.proto"]);
  expect(first?.original_request).toEqual({ file_containing_symbol: "shop.Shop.Buy" });
});

test("a file is found by its name, an imported one too", async () => {
  const [answer] = await Array.fromAsync(ask({ file_by_filename: "google/protobuf/timestamp.proto" }));
  expect(names(answer!)).toEqual(["google/protobuf/timestamp.proto"]);
});

test("extensions are found by number", async () => {
  const [numbers, file, none] = await Array.fromAsync(
    ask(
      { all_extension_numbers_of_type: "shop.Item" },
      { file_containing_extension: { containing_type: "shop.Item", extension_number: 101 } },
      { file_containing_extension: { containing_type: "shop.Item", extension_number: 102 } },
    ),
  );
  expect(numbers?.all_extension_numbers_response).toEqual({
    base_type_name: "shop.Item",
    extension_number: [100, 101],
  });
  expect(names(file!)[0]).toBe("shop.proto");
  expect(none?.error_response?.error_code).toBe(5);
});

test("what is unknown is answered by error 5, and the stream goes on", async () => {
  const answers = await Array.fromAsync(
    ask(
      { file_containing_symbol: "shop.Nope" },
      { file_by_filename: "nope.proto" },
      {},
      { list_services: "*" },
    ),
  );
  expect(answers.map((answer) => answer.error_response?.error_code)).toEqual([5, 5, 3, undefined]);
});

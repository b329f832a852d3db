import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import ts from "typescript";
import { parseSchema } from "./schema.ts";
import { protoTypes, schemaTypes } from "./types.ts";

const src = join(import.meta.dir, "../..");
const orders = join(src, "../test/fixtures/proto/acme/shop/v1/orders.proto");

const good = `
import { service } from "microrun";
import type { Module, Order, OrdersClient } from "./orders.types.ts";

export default service({
  name: "orders",
  handlers: {
    Orders: {
      Get: ({ orderId }) => ({ id: orderId, created: new Date(), stateById: { "1": "PAID" }, deltas: [1, 2n, "3"] }),
      Create: async (order, context) => {
        const client: OrdersClient = context.client;
        const { id = "" } = await client.call("orders", "Orders.Get", { orderId: order.id });
        return { id, note: order.note, lines: order.lines };
      },
      async *Watch({ orderId }) {
        yield { id: orderId };
      },
      Upload: async (all) => {
        for await (const order of all) console.log(order.created?.seconds, order.bySku.x?.price?.units);
      },
      async *Chat(lines) {
        for await (const line of lines) yield { ...line, kind: "KIND_GIFT" };
      },
    },
  },
} satisfies Module);

export const note: string | undefined = ({} as Order).note;
`;

/** Each wrong in one way, with what tsc must say about it. */
const bad: Record<string, [code: string, says: RegExp]> = {
  "a request's field that does not exist": [
    "export const h: Handlers['Orders']['Get'] = ({ order }) => ({ id: order });",
    /'order' does not exist/,
  ],
  "a reply's field of a wrong type": [
    "export const h: Handlers['Orders']['Get'] = () => ({ id: 5 });",
    /'number' is not assignable to type 'string/,
  ],
  "an enum's value that does not exist": [
    "export const h: Handlers['Orders']['Get'] = () => ({ state: 'GONE' });",
    /'"GONE"' is not assignable/,
  ],
  "a stream where one reply is due": [
    "export const h: Handlers['Orders']['Get'] = async function* () { yield {}; };",
    /is not assignable/,
  ],
  "a method that is missing": [
    "export const h = { Get: () => ({}) } satisfies Handlers['Orders'];",
    /missing the following properties.*Create/s,
  ],
  "a call's request of a wrong type": [
    "declare const c: OrdersClient; export const r = c.call('orders', 'Orders.Get', { orderId: 5 });",
    /No overload matches|'number' is not assignable/,
  ],
};

describe("generated types", () => {
  const folder = mkdtempSync(join(tmpdir(), "types-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  const diagnose: Record<string, string> = {};
  beforeAll(async () => {
    const write = (name: string, text: string): string => {
      const path = join(folder, name);
      writeFileSync(path, text);
      return path;
    };
    write("orders.types.ts", await protoTypes([orders]));
    const head =
      'import type { Handlers, OrdersClient } from "./orders.types.ts";\nexport type Used = [Handlers, OrdersClient];\n';
    const samples = [
      write("good.ts", good),
      ...Object.entries(bad).map(([name, [code]]) => write(`${name}.ts`, head + code)),
    ];
    const options: ts.CompilerOptions = {
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      noEmit: true,
      skipLibCheck: true,
      target: ts.ScriptTarget.ESNext,
      module: ts.ModuleKind.Preserve,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      allowImportingTsExtensions: true,
      types: ["bun"],
      typeRoots: [join(src, "../node_modules/@types")],
      paths: { microrun: [join(src, "mod.ts")] },
    };
    const program = ts.createProgram([...samples, join(folder, "orders.types.ts")], options);
    for (const path of [...samples, join(folder, "orders.types.ts")]) {
      const found = program.getSemanticDiagnostics(program.getSourceFile(path));
      diagnose[path.slice(folder.length + 1)] = found
        .map((one) => ts.flattenDiagnosticMessageText(one.messageText, "\n"))
        .join("\n");
    }
  }, 60_000);

  test("and a module written to them satisfy tsc", () => {
    expect(diagnose["orders.types.ts"]).toBe("");
    expect(diagnose["good.ts"]).toBe("");
  });

  for (const [name, [, says]] of Object.entries(bad)) {
    test(`refuse ${name}`, () => expect(diagnose[`${name}.ts`]).toMatch(says));
  }
});

test("Types of a schema without services are those of all its messages, in all forms", () => {
  const text = schemaTypes(
    parseSchema("a.proto", 'syntax = "proto3"; message A { B b = 1; } message B { bytes raw = 1; }'),
    "a.proto",
  );
  expect([...text.matchAll(/export interface (\w+)/g)].map(([, name]) => name)).toEqual([
    "A",
    "AInit",
    "AJson",
    "B",
    "BInit",
    "BJson",
  ]);
});

test("Names that two packages share are told apart by the package, and names that are taken get another", () => {
  const text = schemaTypes(
    parseSchema(
      "a.proto",
      `syntax = "proto3"; package a; import "google/protobuf/type.proto"; message Enum { google.protobuf.Enum theirs = 1; } message Context {} message A { message B {} B b = 1; Context c = 2; }`,
    ),
    "a.proto",
  );
  expect(text).toContain("export interface a_Enum {");
  expect(text).toContain("theirs?: google_protobuf_Enum;");
  expect(text).toContain("export type Context_ =");
  expect(text).toContain("b?: A_B;");
});

test("Well-known types are written as what they read as", () => {
  const text = schemaTypes(
    parseSchema(
      "a.proto",
      `syntax = "proto3"; import "google/protobuf/struct.proto"; import "google/protobuf/wrappers.proto"; import "google/protobuf/any.proto";
       message A { google.protobuf.Value v = 1; google.protobuf.Int64Value w = 2; repeated google.protobuf.Any any = 3; map<string, google.protobuf.Struct> s = 4; }`,
    ),
    "a.proto",
  );
  expect(text).toContain("export type JsonValue = ");
  expect(text).toContain(
    "  v?: JsonValue;\n  w?: bigint;\n  any: (AnyMessage | { typeUrl: string; value: Uint8Array })[];\n  s: Record<string, Record<string, JsonValue>>;",
  );
});

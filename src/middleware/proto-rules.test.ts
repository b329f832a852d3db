import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadSchema } from "../grpc/schema/schema.ts";
import { protoChecks } from "./proto-rules.ts";

const folder = mkdtempSync(join(tmpdir(), "microrun-rules-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function checkOf(fields: string, more = "") {
  const path = join(folder, "rules.proto");
  writeFileSync(
    path,
    `syntax = "proto3";
package rules;
import "buf/validate/validate.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/timestamp.proto";
enum Color { NONE = 0; RED = 1; }
message Inner { string text = 1 [(buf.validate.field).string.max_len = 3]; }
message Asked { ${fields} }
${more}`,
  );
  const schema = await loadSchema([path]);
  const type = schema.message("rules.Asked")!;
  const check = protoChecks(schema.files(), [type])(type)!;
  return (json: object) =>
    check(type.fromJson(json)).map(({ field, description }) => `${field}: ${description}`);
}

const rule = (kind: string, text: string): string => `[(buf.validate.field).${kind} = ${text}]`;

test("the standard rules hold, and each fault names its field", async () => {
  const cases: readonly (readonly [fields: string, good: object, bad: object, field: string])[] = [
    [`string a = 1 ${rule("string.min_len", "2")};`, { a: "äö" }, { a: "ä" }, "a"],
    [`string a = 1 ${rule("string.pattern", '"^[a-z]+$"')};`, { a: "abc" }, { a: "a1" }, "a"],
    [`string a = 1 ${rule("string.email", "true")};`, { a: "a@b.co" }, { a: "a@" }, "a"],
    [`string a = 1 ${rule("string.uuid", "true")};`, { a: crypto.randomUUID() }, { a: "7" }, "a"],
    [`string a = 1 ${rule("string.uri", "true")};`, { a: "https://a.example/b" }, { a: "b c" }, "a"],
    [`string a = 1 ${rule("string.ip", "true")};`, { a: "::1" }, { a: "1.2.3" }, "a"],
    [`int32 a = 1 ${rule("int32", "{ gte: 0, lt: 150 }")};`, { a: 149 }, { a: 150 }, "a"],
    [
      `int64 a = 1 ${rule("int64.gt", "9007199254740993")};`,
      { a: "9007199254740995" },
      { a: "9007199254740992" },
      "a",
    ],
    [`double a = 1 ${rule("double.finite", "true")};`, { a: 1.5 }, { a: "NaN" }, "a"],
    [`bytes a = 1 ${rule("bytes.len", "2")};`, { a: "AAA=" }, { a: "AA==" }, "a"],
    [`Color a = 1 ${rule("enum.defined_only", "true")};`, { a: "RED" }, { a: 7 }, "a"],
    [
      `repeated string a = 1 ${rule("repeated", "{ max_items: 2, unique: true }")};`,
      { a: ["x", "y"] },
      { a: ["x", "x"] },
      "a",
    ],
    [`repeated Inner a = 1;`, { a: [{ text: "abc" }] }, { a: [{}, { text: "abcd" }] }, "a[1].text"],
    [
      `map<string, int32> a = 1 ${rule("map.values.int32.gt", "0")};`,
      { a: { x: 1 } },
      { a: { x: 0 } },
      'a["x"]',
    ],
    [`Inner a = 1 ${rule("required", "true")};`, { a: {} }, {}, "a"],
    [
      `oneof one { option (buf.validate.oneof).required = true; string a = 1; string b = 2; }`,
      { b: "" },
      {},
      "one",
    ],
    [
      `google.protobuf.Duration a = 1 ${rule("duration", "{ gte: { seconds: 1 } }")};`,
      { a: "1s" },
      { a: "0.5s" },
      "a",
    ],
    [
      `google.protobuf.Timestamp a = 1 ${rule("timestamp.gt_now", "true")};`,
      { a: "9999-01-01T00:00:00Z" },
      { a: "1999-01-01T00:00:00Z" },
      "a",
    ],
    [
      `string a = 1 [(buf.validate.field).ignore = IGNORE_IF_ZERO_VALUE, (buf.validate.field).string.min_len = 2];`,
      {},
      { a: "x" },
      "a",
    ],
  ];
  for (const [fields, good, bad, field] of cases) {
    const check = await checkOf(fields);
    expect(check(good), fields).toEqual([]);
    const faults = check(bad);
    expect(faults, fields).toHaveLength(1);
    expect(faults[0], fields).toStartWith(`${field}: `);
  }
});

test("rules in CEL hold, of fields and of messages", async () => {
  const check = await checkOf(`
    option (buf.validate.message).cel = { id: "order", message: "from is after to", expression: "this.from <= this.to" };
    int32 from = 1; int32 to = 2 [(buf.validate.field).cel = { id: "even", message: "to is odd", expression: "this % 2 == 0" }];`);
  expect(check({ from: 1, to: 2 })).toEqual([]);
  expect(check({ from: 5, to: 3 })).toEqual(["to: to is odd", ": from is after to"]);
});

test("rules that make no sense are refused at the start", async () => {
  expect(checkOf(`string a = 1 ${rule("int32.gt", "0")};`)).rejects.toThrow("rules.Asked: ");
  expect(
    checkOf(`int32 a = 1 [(buf.validate.field).cel = { id: "x", expression: "this >" }];`),
  ).rejects.toThrow("rules.Asked: ");
});

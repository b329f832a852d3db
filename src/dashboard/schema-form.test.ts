import { expect, test } from "bun:test";
import type { JsonSchema } from "../call.ts";
import { schemaForm } from "./schema-form.ts";

async function formOf(properties: Record<string, JsonSchema>, $defs: Record<string, JsonSchema> = {}) {
  return String(await schemaForm({ type: "object", properties, $defs }));
}

test("each kind of field is what its value needs", async () => {
  const form = await formOf({
    name: { type: "string" },
    id: { type: "string", format: "int64" },
    count: { type: "integer", minimum: 0, maximum: 9 },
    ratio: { type: "number" },
    gift: { type: "boolean" },
    express: { type: "boolean", "x-optional": true },
    size: { type: "string", title: "Size", enum: ["SMALL", "LARGE"] },
    more: {},
  });
  const kinds = [...form.matchAll(/data-kind="(\w+)" data-name="(\w+)"/g)].map(
    ([, kind, name]) => `${name} ${kind}`,
  );
  expect(kinds).toEqual([
    "name string",
    "id string",
    "count number",
    "ratio number",
    "gift boolean",
    "express literal",
    "size string",
    "more json",
  ]);
  expect(form).toContain('min="0" max="9"');
  expect(form).toContain("<option>LARGE</option>");
});

test("lists and maps have a template of one item, messages their own fields", async () => {
  const item: JsonSchema = { type: "object", title: "a.Item", properties: { tag: { type: "string" } } };
  const form = await formOf(
    {
      items: { type: "array", items: { $ref: "#/$defs/a.Item" } },
      stock: { type: "object", additionalProperties: { type: "integer" } },
      one: { $ref: "#/$defs/a.Item" },
    },
    { "a.Item": item },
  );
  expect(form).toMatch(
    /data-kind="array" data-name="items"[\s\S]*<template>[\s\S]*data-member-value[\s\S]*data-name="tag"/,
  );
  expect(form).toMatch(/data-kind="map" data-name="stock"[\s\S]*data-key/);
  expect(form).toMatch(/data-kind="object" data-name="one"/);
  expect(form).toContain("list of Item");
});

test("of a oneof the members are told together, and hidden until chosen", async () => {
  const form = await formOf({
    card: { type: "string", "x-oneof": "pay" },
    name: { type: "string" },
    cash: { type: "number", "x-oneof": "pay" },
  });
  expect(form.match(/data-kind="oneof"/g)).toHaveLength(1);
  expect(form).toMatch(/<div data-member="card" hidden>/);
  expect(form).toMatch(/<option>card<\/option><option>cash<\/option>/);
});

test("a message that holds itself ends in JSON", async () => {
  const form = await formOf(
    { node: { $ref: "#/$defs/Node" } },
    { Node: { type: "object", properties: { next: { $ref: "#/$defs/Node" } } } },
  );
  expect(form.match(/data-kind="object"/g)!.length).toBeLessThan(8);
  expect(form).toContain('data-kind="json"');
});

test("a form is bounded, however many fields there are", async () => {
  const many = Object.fromEntries(
    Array.from({ length: 600 }, (_, at) => [`f${at}`, { type: "string" } as const]),
  );
  const form = await formOf(many);
  expect(form.match(/data-kind="string"/g)).toHaveLength(250);
  expect(form.match(/data-kind="json"/g)).toHaveLength(350);
});

test("names, titles and values of a schema are escaped", async () => {
  const evil = `"><img src=x onerror="window.hacked=1">`;
  const form = await formOf({
    [evil]: { type: "string", title: evil, enum: [evil], "x-oneof": evil },
    [`${evil}2`]: {
      type: "object",
      title: evil,
      properties: { [evil]: { type: "array", items: { type: "string", title: evil } } },
    },
    [`${evil}3`]: { type: "number", minimum: evil as unknown as number, maximum: evil as unknown as number },
  });
  expect(form).toContain("&quot;&gt;&lt;img");
  expect(form).not.toContain("<img");
});

test("of what is no message there is no form", () => {
  expect(schemaForm({})).toBeUndefined();
  expect(schemaForm({ $ref: "#/$defs/missing", $defs: {} })).toBeUndefined();
});

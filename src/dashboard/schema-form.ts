/** A form made from a JSON Schema. What it says is gathered by the page's script from `data-kind` and `data-name`. */
import { html } from "hono/html";
import type { JsonSchema } from "../call.ts";
import type { Html } from "./layout.ts";

/** Messages within messages, and fields of one form; what is beyond is written as JSON. */
const maxDepth = 4;
const maxFields = 250;

type Defs = NonNullable<JsonSchema["$defs"]>;

interface Making {
  readonly defs: Defs;
  room: number;
}

interface Field {
  readonly name: string;
  readonly schema: JsonSchema;
  /** Of a member of a list or map, whose name is not told. */
  readonly member?: boolean;
}

/** The fields of a message; undefined where there is no message to make fields of. */
export function schemaForm(schema: JsonSchema): Html | undefined {
  const making: Making = { defs: schema.$defs ?? {}, room: maxFields };
  const { properties } = resolved(schema, making.defs);
  if (properties === undefined) return undefined;
  return html`<div class="fields" data-kind="object">${fieldsOf(properties, making, 0)}</div>`;
}

function fieldsOf(properties: Readonly<Record<string, JsonSchema>>, making: Making, depth: number): Html[] {
  const entries = Object.entries(properties);
  if (entries.length === 0) return [html`<p class="quiet">No fields.</p>`];
  const oneofs = new Set<string>();
  return entries.flatMap(([name, schema]) => {
    const oneof = schema["x-oneof"];
    if (oneof === undefined) return fieldOf({ name, schema }, making, depth);
    if (oneofs.has(oneof)) return [];
    oneofs.add(oneof);
    return choiceOf(
      oneof,
      entries.filter(([, one]) => one["x-oneof"] === oneof),
      making,
      depth,
    );
  });
}

/** Of a oneof's members one at most: the others are hidden. */
function choiceOf(
  oneof: string,
  members: readonly (readonly [string, JsonSchema])[],
  making: Making,
  depth: number,
): Html {
  return html`<fieldset class="field" data-kind="oneof">
<legend>${oneof} <small>one of ${members.length}</small></legend>
<label><span class="sr">${oneof}: which</span><select data-which>
<option value="">none</option>${members.map(([name]) => html`<option>${name}</option>`)}
</select></label>
${members.map(([name, schema]) => html`<div data-member="${name}" hidden>${fieldOf({ name, schema }, making, depth)}</div>`)}
</fieldset>`;
}

function fieldOf({ name, schema: given, member = false }: Field, making: Making, depth: number): Html {
  const schema = resolved(given, making.defs);
  const title = titleOf(given, making.defs);
  const attributes = member ? html`data-member-value` : html`data-name="${name}"`;
  if (making.room-- <= 0 || depth >= maxDepth || isFree(schema)) {
    return html`<label class="field" data-kind="json" ${attributes}>${caption(name, `${title}, as JSON`)}
<textarea rows="2" spellcheck="false"></textarea></label>`;
  }
  if (schema.additionalProperties !== undefined) {
    const value = fieldOf(
      { name: "value", schema: schema.additionalProperties, member: true },
      making,
      depth + 1,
    );
    return html`<fieldset class="field" data-kind="map" ${attributes}><legend>${name} <small>${title}</small></legend>
<div data-items></div>
<template><div class="item" data-item><label class="field"><span>key</span><input type="text" data-key spellcheck="false"></label>
${value}${removeButton(name)}</div></template>${addButton(name)}</fieldset>`;
  }
  if (schema.type === "array") {
    const item = fieldOf({ name: "item", schema: schema.items ?? {}, member: true }, making, depth + 1);
    return html`<fieldset class="field" data-kind="array" ${attributes}><legend>${name} <small>${title}</small></legend>
<div data-items></div><template><div class="item" data-item>${item}${removeButton(name)}</div></template>${addButton(name)}</fieldset>`;
  }
  if (schema.properties !== undefined) {
    return html`<fieldset class="field" data-kind="object" ${attributes}><legend>${name} <small>${title}</small></legend>
${fieldsOf(schema.properties, making, depth + 1)}</fieldset>`;
  }
  return scalarOf(name, schema, title, attributes);
}

function scalarOf(name: string, schema: JsonSchema, title: string, attributes: Html): Html {
  if (schema.enum !== undefined) {
    return html`<label class="field" data-kind="string" ${attributes}>${caption(name, title)}<select>
<option value="">not set</option>${schema.enum.map((value) => html`<option>${value}</option>`)}</select></label>`;
  }
  if (schema.type === "boolean") {
    if (schema["x-optional"] !== true)
      return html`<label class="field check" data-kind="boolean" ${attributes}><input type="checkbox">${caption(name, title)}</label>`;
    return html`<label class="field" data-kind="literal" ${attributes}>${caption(name, title)}<select>
<option value="">not set</option><option>true</option><option>false</option></select></label>`;
  }
  if (schema.type === "integer" || schema.type === "number") {
    const bounds =
      schema.minimum === undefined
        ? html`step="any"`
        : html`min="${schema.minimum}" max="${schema.maximum ?? ""}"`;
    return html`<label class="field" data-kind="number" ${attributes}>${caption(name, title)}<input type="number" ${bounds}></label>`;
  }
  const example = schema.examples?.[0] ?? examples[schema.format ?? ""];
  const hint = example === undefined ? html`` : html`placeholder="${example}"`;
  return html`<label class="field" data-kind="string" ${attributes}>${caption(name, title)}<input type="text" spellcheck="false" autocomplete="off" ${hint}></label>`;
}

const examples: Readonly<Record<string, string>> = {
  int64: "-1234",
  uint64: "1234",
  byte: "base64",
  "date-time": "2026-01-31T12:00:00Z",
  "field-mask": "user.name,id",
};

function resolved(schema: JsonSchema, defs: Defs): JsonSchema {
  const name = /^#\/\$defs\/(.*)$/.exec(schema.$ref ?? "")?.[1];
  return name === undefined || !Object.hasOwn(defs, name) ? schema : defs[name]!;
}

function isFree({ type, properties, additionalProperties, items }: JsonSchema): boolean {
  if (type === undefined) return true;
  if (type === "object") return properties === undefined && additionalProperties === undefined;
  return type === "array" && items === undefined;
}

/** `Item`, `list of Item`, `int64` */
function titleOf(schema: JsonSchema, defs: Defs): string {
  const { type, items, additionalProperties, title, format, minimum } = resolved(schema, defs);
  if (items !== undefined) return `list of ${titleOf(items, defs)}`;
  if (additionalProperties !== undefined) return `map to ${titleOf(additionalProperties, defs)}`;
  const own = title?.slice(title.lastIndexOf(".") + 1);
  if (own === undefined && type === "integer" && minimum === 0) return "uint32";
  return own ?? (format === "byte" ? "bytes" : format) ?? type ?? "any";
}

function caption(name: string, title: string): Html {
  return html`<span>${name} <small>${title}</small></span>`;
}

function addButton(name: string): Html {
  return html`<button type="button" class="small" data-add>Add to ${name}</button>`;
}

function removeButton(name: string): Html {
  return html`<button type="button" class="small" data-remove>Remove from ${name}</button>`;
}

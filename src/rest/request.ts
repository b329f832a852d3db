/** The message of a request: its body, its query and the variables of its path, put together as canonical proto3 JSON. */
import type { Field } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { findField, getField, holderOf, type JsonObject, setField } from "./field-path.ts";
import type { Binding, FieldPath } from "./rest.ts";

/** How many parameters a query may have. */
const maxParameters = 1000;

const maxShown = 60;

/** System parameters, `$alt` or `$fields`: they are to the service what header fields are, and none is known here. */
const system = /^\$/;

/** @param body its JSON, or a form. Undefined: there is none @throws MicrorunError `invalid_argument` */
export function readRequest(
  binding: Binding,
  texts: readonly string[],
  query: URLSearchParams,
  body: unknown,
): unknown {
  const { method, bound, body: bodyField, template } = binding;
  let json: JsonObject = {};
  const within = bodyField === "*" || bodyField === undefined ? "" : `${bodyField.name}.`;
  if (body instanceof URLSearchParams) {
    for (const [name, text] of limited("form", body))
      set(json, `form: ${shown(name)}`, within + name, text, binding);
  } else if (bodyField === "*" && body !== undefined) {
    if (!isObject(body)) throw invalid("request body: an object is expected");
    // not assigned: a __proto__ is to be refused as any other unknown field
    json = { ...body };
  } else if (typeof bodyField === "object" && body !== undefined) setField(json, bodyField, body);

  for (const [name, text] of limited("query", query)) {
    if (system.test(name)) continue;
    if (bodyField === "*" || (within !== "" && isWithin(name, bodyField!)))
      throw invalid(`query: ${shown(name)} belongs in the body`);
    set(json, `query: ${shown(name)}`, name, text, binding);
  }
  for (const [index, path] of bound.entries()) {
    const holder = holderOf(json, path);
    if (holder === undefined)
      throw invalid(`request body: ${template.variables[index]!.field} is within a value`);
    setField(holder, path.at(-1)!, path.at(-1)!.fromText!(texts[index]!));
  }
  return method.request.fromJson(json);
}

function shown(name: string): string {
  return name.slice(0, maxShown);
}

function limited(what: string, parameters: URLSearchParams): URLSearchParams {
  if (parameters.size > maxParameters) throw invalid(`${what}: more than ${maxParameters} parameters`);
  return parameters;
}

/** @param what it is, for people @param name from the message's fields on, `labels[key]` of a map */
function set(json: JsonObject, what: string, name: string, text: string, { method, bound }: Binding): void {
  const [, dotted = name, key] = /^([^[\]]+)\[(.*)\]$/.exec(name) ?? [];
  const path = findField(method.request, dotted);
  if (typeof path === "string") throw invalid(`${what}: ${path}`);
  const field = path.at(-1)!;
  if (bound.some((other) => isSame(other, path))) throw invalid(`${what} is in the path already`);
  const { fromText, shape } = field;
  if (fromText === undefined) throw invalid(`${what}: ${nameInner(field, dotted)}`);
  if ((key !== undefined) !== (shape === "map"))
    throw invalid(shape === "map" ? `${what}: a map, name a key: ${dotted}[key]` : `${what}: it is no map`);
  const holder = holderOf(json, path);
  if (holder === undefined) throw invalid(`${what} is within a value`);
  const before = getField(holder, field);
  const value = fromText(text);
  if (key !== undefined) setField(holder, field, { ...(before as JsonObject), [key]: value });
  else if (shape === "list") setField(holder, field, [...((before as unknown[]) ?? []), value]);
  else if (before !== undefined) throw invalid(`${what} is given twice`);
  else setField(holder, field, value);
}

function isWithin(name: string, field: Field): boolean {
  const [first = ""] = name.split(/[.[]/, 1);
  return first === field.name || first === field.jsonName;
}

function nameInner({ message, shape }: Field, dotted: string): string {
  const [first] = shape === "one" ? (message?.fields?.() ?? []) : [];
  return first === undefined
    ? "no text can be its value"
    : `a message, name its fields: ${dotted}.${first.name}`;
}

function isSame(one: FieldPath, other: FieldPath): boolean {
  return one.length === other.length && one.every(({ name }, index) => name === other[index]!.name);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(message: string): MicrorunError {
  return new MicrorunError("invalid_argument", message);
}

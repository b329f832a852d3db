/** Fields by the names that rules, paths and query strings give them: `book.author.name`. */
import type { Field, MessageType } from "../call.ts";
import { didYouMean } from "../errors.ts";
import type { FieldPath } from "./rest.ts";

/** How deep a field may be. */
const maxDepth = 16;
const maxShown = 60;

/** By its name in the `.proto` or in JSON; undefined: the type has none of this name. */
export function fieldNamed(type: MessageType | undefined, name: string): Field | undefined {
  const fields = type?.fields?.() ?? [];
  return fields.find((field) => field.name === name) ?? fields.find((field) => field.jsonName === name);
}

/** @returns the field; or why there is none, to be read after its name */
export function findField(type: MessageType, dotted: string): FieldPath | string {
  const names = dotted.split(".");
  if (names.length > maxDepth) return `deeper than ${maxDepth} fields`;
  const path: Field[] = [];
  let inner: MessageType | undefined = type;
  for (const name of names) {
    const outer = path.at(-1);
    if (outer !== undefined && (outer.shape !== "one" || inner?.fields?.().length === 0))
      return `${outer.name} has no fields to name`;
    const field = fieldNamed(inner, name);
    if (field === undefined) {
      const known: readonly string[] = inner?.fields?.().map((one) => one.name) ?? [];
      return `${inner?.name || "the request"} has no field ${name.slice(0, maxShown)}${didYouMean(name, known)}`;
    }
    path.push(field);
    inner = field.message;
  }
  return path;
}

export type JsonObject = Record<string, unknown>;

/** What stands at a path of a JSON object; objects on the way are made. Undefined: something on the way is no object. */
export function holderOf(root: JsonObject, path: FieldPath): JsonObject | undefined {
  let at = root;
  for (const field of path.slice(0, -1)) {
    const inner = getField(at, field) ?? {};
    if (typeof inner !== "object" || Array.isArray(inner)) return undefined;
    setField(at, field, inner);
    at = inner as JsonObject;
  }
  return at;
}

/** By either of its names. */
export function getField(json: JsonObject, { name, jsonName }: Field): unknown {
  return Object.hasOwn(json, jsonName) ? json[jsonName] : Object.hasOwn(json, name) ? json[name] : undefined;
}

/** In place of what it was by either name. */
export function setField(json: JsonObject, { name, jsonName }: Field, value: unknown): void {
  delete json[name];
  json[jsonName] = value;
}

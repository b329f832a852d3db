/** JSON in annotations: written as Go writes it, read with its types checked. */
import type { Shape } from "../../call.ts";

/** How deep a message's fields are followed; Go Micro writes three levels. */
const maxShapeDepth = 8;

/** As Go's encoding/json: `<`, `>`, `&` and the two line separators escaped. */
export function goJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** As Go writes a map: keys in order. */
export function sorted(record: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export type Fields = Readonly<Record<string, unknown>>;

/** @throws Error that names `what` when it is no JSON object */
export function readObject(what: string, text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(`${what} is not JSON`);
  }
  return objectOf(what, value);
}

export function objectOf(what: string, value: unknown): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error(`${what} is not an object`);
  return value as Fields;
}

/** Null and absent are no items. */
export function listOf(what: string, value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new Error(`${what} is not a list`);
  return value;
}

/** Null and absent are "". */
export function textOf(what: string, value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value !== "string") throw new Error(`${what} is not a string`);
  return value;
}

/** Null and absent are no entries. */
export function textsOf(what: string, value: unknown): Readonly<Record<string, string>> {
  if (value === undefined || value === null) return {};
  const texts = Object.entries(objectOf(what, value)).map(([key, one]) => [
    key,
    textOf(`${what}.${key}`, one),
  ]);
  return Object.fromEntries(texts);
}

export function shapeOf(what: string, value: unknown, depth = 0): Shape | null {
  if (value === undefined || value === null) return null;
  const { name, type, values } = objectOf(what, value);
  const inner = depth < maxShapeDepth && values !== undefined && values !== null;
  return {
    name: textOf(`${what}.name`, name),
    type: textOf(`${what}.type`, type),
    values: inner
      ? listOf(`${what}.values`, values).flatMap((one) => shapeOf(`${what}.values`, one, depth + 1) ?? [])
      : null,
  };
}

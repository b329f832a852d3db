/** A query string as the JSON it stands for: `name=John&tags[]=a&address[city]=Bonn`. */
import type { Field, MessageType } from "../call.ts";
import { MicrorunError } from "../errors.ts";

/** How deep `a[b][c]` may go. */
const maxDepth = 8;

/**
 * With a schema each text is read as its field is; where that does not fit, and without a schema, what reads as JSON is JSON.
 * @throws MicrorunError `invalid_argument`
 */
export function queryJson(query: URLSearchParams, type: MessageType): unknown {
  if (type.name === "") return type.fromJson(tree(query, guess));
  try {
    return type.fromJson(
      fieldsOf(
        tree(query, (text) => text),
        type,
      ),
    );
  } catch (error) {
    try {
      return type.fromJson(tree(query, guess));
    } catch {
      throw error;
    }
  }
}

/** A name of no field stays, for the schema to refuse. */
function fieldsOf(texts: Tree, type: MessageType): Tree {
  const fields = type.fields?.() ?? [];
  const entries = Object.entries(texts).map(([key, value]) => {
    const field = fields.find(({ name, jsonName }) => name === key || jsonName === key);
    return [key, field === undefined ? value : valueIn(value, field)] as const;
  });
  return Object.fromEntries(entries);
}

function valueIn(texts: unknown, field: Field): unknown {
  if (field.shape === "list") return [texts].flat().map((one) => itemOf(one, field));
  if (field.shape === "one" || !isTree(texts)) return itemOf(texts, field);
  return Object.fromEntries(Object.entries(texts).map(([key, one]) => [key, itemOf(one, field)]));
}

function itemOf(texts: unknown, { fromText, message }: Field): unknown {
  // a message may stand there as JSON
  if (typeof texts === "string") return fromText === undefined ? guess(texts) : fromText(texts);
  return isTree(texts) && message !== undefined ? fieldsOf(texts, message) : texts;
}

function guess(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "number" && isChanged(value) ? text : value;
  } catch {
    return text;
  }
}

/** A number that no number here can hold: an id of twenty digits is better a text. */
function isChanged(value: number): boolean {
  return !Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value));
}

type Tree = { [key: string]: unknown };

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function tree(query: URLSearchParams, read: (text: string) => unknown): Tree {
  const root: Tree = {};
  for (const [name, text] of query) put(root, keysOf(name), read(text), name);
  return root;
}

/** The last of `keys` is empty for `a[]`, an element of a list; a name given again makes a list too. */
function put(root: Tree, keys: readonly string[], value: unknown, name: string): void {
  const list = keys.length > 1 && keys.at(-1) === "";
  const path = list ? keys.slice(0, -1) : keys;
  if (path.length > maxDepth || path.some((key) => key === "" || key === "__proto__"))
    throw new MicrorunError("invalid_argument", `query: ${name} is not a field`);
  let into = root;
  for (const key of path.slice(0, -1)) {
    if (!Object.hasOwn(into, key)) into[key] = {};
    const next = into[key];
    if (!isTree(next))
      throw new MicrorunError("invalid_argument", `query: ${name} is a field of what is a value elsewhere`);
    into = next;
  }
  const last = path.at(-1) ?? "";
  const before = Object.hasOwn(into, last) ? into[last] : undefined;
  if (before === undefined) into[last] = list ? [value] : value;
  else into[last] = Array.isArray(before) ? [...before, value] : [before, value];
}

function keysOf(name: string): string[] {
  const at = name.indexOf("[");
  if (at <= 0 || !/^(\[[^[\]]*\])+$/.test(name.slice(at))) return [name];
  return [name.slice(0, at), ...name.slice(at + 1, -1).split("][")];
}

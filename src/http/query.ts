/** A query string as the JSON it stands for: `name=John&tags[]=a&address[city]=Bonn`. */
import type { MessageType } from "../call.ts";
import { MicrorunError } from "../errors.ts";

/** How deep `a[b][c]` may go. */
const maxDepth = 8;

/**
 * With a schema a value is a text first, which canonical JSON takes for numbers and enums too; where that does not fit, and
 * without a schema, what reads as JSON is JSON.
 * @throws MicrorunError `invalid_argument`
 */
export function queryJson(query: URLSearchParams, type: MessageType): unknown {
  if (type.name === "") return type.fromJson(tree(query, guess));
  try {
    return type.fromJson(tree(query, (text) => text));
  } catch (error) {
    try {
      return type.fromJson(tree(query, guess));
    } catch {
      throw error;
    }
  }
}

function guess(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

type Tree = { [key: string]: unknown };

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
    if (typeof next !== "object" || next === null || Array.isArray(next))
      throw new MicrorunError("invalid_argument", `query: ${name} is a field of what is a value elsewhere`);
    into = next as Tree;
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

/** The way to a value in a tree: what `get`, `scan` and `watch` find at a path. */
import type { ConfigData, ConfigValue } from "./config.ts";

/**
 * On a tree made from lines: the text as it was written, before it was cut. A ConfigMap's `DB_NAME: MICRO` is the tree
 * `{ DB_NAME: { MICRO: "" } }` to go-micro; whoever gets `DB_NAME` itself is given `MICRO`.
 */
export const wholeText: unique symbol = Symbol.for("microrun.config.text") as never;

/** What `wholeText` says of a value; undefined for any other. */
export function textOf(value: ConfigValue | undefined): string | undefined {
  return isTree(value) && Object.hasOwn(value, wholeText)
    ? (value as { [wholeText]?: string })[wholeText]
    : undefined;
}

/** `get`'s arguments → the path and the fallback (see `Config.get`). */
export function parsePath(args: readonly unknown[]): { path: string[]; fallback: unknown } {
  const last = args.at(-1);
  const hasFallback =
    args.length > 1 &&
    (typeof last !== "string" || (args.length === 2 && typeof args[0] === "string" && args[0].includes(".")));
  const words = hasFallback ? args.slice(0, -1) : args;
  return { path: words.flatMap((word) => String(word).split(".")), fallback: hasFallback ? last : undefined };
}

/** What is held at exactly these keys. Own properties only, so that `__proto__` and `constructor` find nothing. */
export function valueAt(data: ConfigData, keys: readonly string[]): ConfigValue | undefined {
  let value: ConfigValue | undefined = data;
  for (const key of keys) value = child(value, key);
  return value;
}

/**
 * What `get` finds: the value at the path, or, where a key has dots itself (a ConfigMap's `app.conf`, a line `server.port=80`),
 * at the keys that the path's words make together; of lines the text, not the tree.
 */
export function find(data: ConfigData, path: readonly string[]): ConfigValue | undefined {
  const value = valueAt(data, path) ?? valueAt(data, keysOf(data, path) ?? path);
  return textOf(value) ?? value;
}

/** The keys that lead along `path`, the shortest first; undefined where nothing is. */
export function keysOf(value: ConfigValue, path: readonly string[]): string[] | undefined {
  if (path.length === 0) return [];
  for (let words = 1; words <= path.length; words++) {
    const key = words === 1 ? (path[0] as string) : path.slice(0, words).join(".");
    const next = child(value, key);
    const rest = next === undefined ? undefined : keysOf(next, path.slice(words));
    if (rest !== undefined) return [key, ...rest];
  }
  return undefined;
}

export function isTree(value: ConfigValue | undefined): value is ConfigData {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function child(value: ConfigValue | undefined, key: string): ConfigValue | undefined {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  // a list's length is no value of it
  if (Array.isArray(value) && key === "length") return undefined;
  return (value as ConfigData)[key];
}

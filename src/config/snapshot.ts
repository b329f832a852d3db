/** One whole tree that never changes, and the way to a value in it. */
import type { ConfigData, ConfigValue } from "./config.ts";

/** `get`'s arguments → the path and the fallback (see `Config.get`). */
export function parsePath(args: readonly unknown[]): { path: string[]; fallback: unknown } {
  const last = args.at(-1);
  const hasFallback =
    args.length > 1 &&
    (typeof last !== "string" || (args.length === 2 && typeof args[0] === "string" && args[0].includes(".")));
  const words = hasFallback ? args.slice(0, -1) : args;
  return { path: words.flatMap((word) => String(word).split(".")), fallback: hasFallback ? last : undefined };
}

/** Own properties only, so that `__proto__` and `constructor` find nothing. */
export function valueAt(data: ConfigData, path: readonly string[]): ConfigValue | undefined {
  let value: ConfigValue | undefined = data;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as ConfigData)[key];
  }
  return value;
}

/** Trees laid over one another, key by key; the later wins. */
export function mergeTrees(trees: readonly ConfigData[]): ConfigData {
  const merged: Record<string, ConfigValue> = Object.create(null);
  for (const tree of trees) {
    for (const [key, value] of Object.entries(tree)) {
      const under = merged[key];
      merged[key] = isTree(under) && isTree(value) ? mergeTrees([under, value]) : value;
    }
  }
  return merged;
}

export function isTree(value: ConfigValue | undefined): value is ConfigData {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

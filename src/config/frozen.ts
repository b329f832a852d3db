/** Values that many see and none may change. */
import { maxSourceValues } from "./merge.ts";

/** How many objects and arrays are frozen; what a schema makes beyond that of a tree is its own affair. */
export const maxFrozen: number = maxSourceValues;

/** `value` itself, its plain objects and arrays frozen: dates, maps and instances of classes have ways of their own to change. */
export function frozen<T>(value: T): T {
  const seen = new Set<object>();
  const waiting: unknown[] = [value];
  while (waiting.length > 0 && seen.size < maxFrozen) {
    const next = waiting.pop();
    if (!isPlain(next) || seen.has(next)) continue;
    seen.add(next);
    // not by name, which would run what a getter does
    for (const { value } of Object.values(Object.getOwnPropertyDescriptors(next))) waiting.push(value);
    Object.freeze(next);
  }
  return value;
}

function isPlain(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === null || prototype === Object.prototype;
}

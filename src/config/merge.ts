/** Trees laid over one another, copied and compared. */
import { MicrorunError } from "../errors.ts";
import type { ConfigData, ConfigValue } from "./config.ts";
import { isTree, textOf, wholeText } from "./snapshot.ts";

/** How deep trees and lists of a source may lie in one another. */
export const maxTreeDepth = 64;
/** How many values, trees and lists among them, a document may have. */
export const maxTreeValues = 100_000;
/** The same of a source, whose documents may be several. */
export const maxSourceValues = 200_000;

type GrowingTree = Record<string, ConfigValue>;

/**
 * A copy that nobody can change, without prototypes.
 * @throws MicrorunError `resource_exhausted` beyond `maxTreeDepth` and `maxSourceValues`
 */
export function ownTree(data: ConfigData): ConfigData {
  let values = 0;
  const own = (value: ConfigValue, depth: number): ConfigValue => {
    if (++values > maxSourceValues) throw tooMuch(`more than ${maxSourceValues} values`);
    if (typeof value !== "object" || value === null) return value;
    if (depth > maxTreeDepth) throw tooMuch(`nested more than ${maxTreeDepth} deep`);
    if (Array.isArray(value)) return Object.freeze(value.map((item) => own(item, depth + 1)));
    const copy: GrowingTree = Object.create(null);
    for (const [key, inner] of Object.entries(value)) {
      if (inner !== undefined) copy[key] = own(inner, depth + 1);
    }
    return sealed(copy, textOf(value));
  };
  return own(data, 0) as ConfigData;
}

function tooMuch(what: string): MicrorunError {
  return new MicrorunError("resource_exhausted", `not taken: ${what}`);
}

/** Key by key; the later wins. Lists, and whatever is no tree on either side, are replaced whole. */
export function mergeTrees(trees: readonly ConfigData[]): ConfigData {
  const merged: GrowingTree = Object.create(null);
  const inner = new Map<string, ConfigData[]>();
  let text: string | undefined;
  for (const tree of trees) {
    const entries = Object.entries(tree);
    for (const [key, value] of entries) {
      merged[key] = value;
      const below = inner.get(key);
      if (!isTree(value)) inner.delete(key);
      else if (below === undefined) inner.set(key, [value]);
      else below.push(value);
    }
    // a text stands for all that was cut from it, and no longer does when more was laid over that
    text = textOf(tree) ?? (entries.length === 0 ? text : undefined);
  }
  for (const [key, parts] of inner) {
    if (parts.length > 1) merged[key] = mergeTrees(parts);
  }
  return sealed(merged, text);
}

/** The order of keys says nothing, that of a list does. */
export function sameValue(one: ConfigValue | undefined, other: ConfigValue | undefined): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  if (Array.isArray(one) || Array.isArray(other)) {
    if (!Array.isArray(one) || !Array.isArray(other) || one.length !== other.length) return false;
    return one.every((item, index) => sameValue(item, other[index]));
  }
  const entries = Object.entries(one as ConfigData);
  return (
    entries.length === Object.keys(other).length &&
    textOf(one) === textOf(other) &&
    entries.every(([key, value]) => Object.hasOwn(other, key) && sameValue(value, (other as ConfigData)[key]))
  );
}

/** A copy for whoever may change it, where each text of lines is the text: what a schema is shown. */
export function looseCopy(value: ConfigValue | undefined): unknown {
  const text = textOf(value);
  if (text !== undefined) return text;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(looseCopy);
  const copy: Record<string, unknown> = Object.create(null);
  for (const [key, inner] of Object.entries(value)) copy[key] = looseCopy(inner);
  return copy;
}

/** The text is not enumerable: a tree prints and compares as go-micro's. */
function sealed(tree: GrowingTree, text: string | undefined): ConfigData {
  if (text !== undefined) Object.defineProperty(tree, wholeText, { value: text });
  return Object.freeze(tree);
}

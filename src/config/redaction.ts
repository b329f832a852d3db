/** Which values are not for every eye, and trees without them. */
import type { ConfigData, ConfigValue } from "./config.ts";
import { isSensitiveKey, isSensitiveName, isSensitivePath } from "./redaction-keys.ts";
import { hidden, holdsSecret, isPrivateKey, minSecretLength, withoutPassword } from "./redaction-text.ts";
import { isTree, textOf, valueAt } from "./snapshot.ts";

/**
 * The tree with `***` for each value that is secret or that stands under a sensitive key, and for passwords within a value (of a URL, of
 * a connection string, of JSON).
 * Where a key of lines is itself the value (a line without `=`), all of these lines are hidden, and so are those of a private key.
 */
export function redact(data: ConfigData, isSecret: (path: readonly string[]) => boolean): ConfigData {
  const shown = (value: ConfigValue, path: readonly string[]): ConfigValue => {
    const text = textOf(value) ?? value;
    if (isTree(value)) {
      if (secretLines(value, path, isSecret).length > 0) return hidden;
      if (isTree(text)) return tree(value, path);
    }
    if (isSensitivePath(path) || isSecret(path)) return hidden;
    if (Array.isArray(value)) return value.map((item, index) => shown(item, [...path, String(index)]));
    if (typeof text !== "string") return value;
    if (isPrivateKey(text)) return hidden;
    const safe = withoutPassword(text);
    return isTree(value) && safe === text ? tree(value, path) : safe;
  };
  const tree = (value: ConfigData, path: readonly string[]): ConfigData => {
    const copy: Record<string, ConfigValue> = Object.create(null);
    for (const [key, name] of shownKeys(Object.keys(value))) copy[name] = shown(value[key]!, [...path, key]);
    return copy;
  };
  return tree(data, []);
}

/** Each key as it is shown; those that differ in what is hidden alone are numbered: `password: ***`, `password: *** 2`. */
function shownKeys(keys: readonly string[]): Map<string, string> {
  const taken = new Set(keys);
  const counts = new Map<string, number>();
  const distinct = (key: string): string => {
    const name = shownKey(key);
    if (name === key) return key;
    let count = counts.get(name) ?? 1;
    let numbered = name;
    while (taken.has(numbered)) numbered = `${name} ${++count}`;
    counts.set(name, count);
    taken.add(numbered);
    return numbered;
  };
  return new Map(keys.map((key) => [key, distinct(key)]));
}

/** A key as `redact` has it. That of a line may hold its value, or the beginning of one: `machine h password word`. */
export function shownKey(key: string): string {
  const safe = withoutPassword(key);
  const name: string[] = [];
  for (const { 0: word, index } of safe.matchAll(/[^\s<>]+/g)) {
    name.push(word);
    const end = index + word.length;
    if (isSensitiveName(name.slice(-2)))
      return /\w/.test(safe.slice(end)) ? `${safe.slice(0, end + 1)}${hidden}` : safe;
  }
  return safe;
}

/** The last of these keys as a message may have it. */
export function toldKey(
  data: ConfigData,
  keys: readonly string[],
  isSecret: (path: readonly string[]) => boolean,
): string {
  const [key = "", path] = [keys.at(-1), keys.slice(0, -1)];
  const above = valueAt(data, path);
  return isTree(above) && secretLines(above, path, isSecret).includes(key) ? hidden : shownKey(key);
}

/** Keys that are what a secret line says: empty values under keys that are secret by their source, not by their name; of a private key all. */
function secretLines(
  value: ConfigData,
  path: readonly string[],
  isSecret: (path: readonly string[]) => boolean,
): string[] {
  const isAll = isSensitivePath(path) || isSecret(path);
  const secret = (key: string): boolean =>
    saysSecret(key) || (isSensitiveKey(key) ? isAll && isLine(key) : isAll || isSecret([...path, key]));
  if (Object.keys(value).some(isPrivateKey)) return Object.keys(value);
  return Object.entries(value).flatMap(([key, inner]) =>
    inner === "" && key !== "" && secret(key) ? [key] : [],
  );
}

/** `machine h password word`, `<password>word</password>`: no name is like that. */
function isLine(key: string): boolean {
  return /[\s<>]/.test(key);
}

/** And what of it is to be hidden nobody knows. */
function saysSecret(key: string): boolean {
  return isLine(key) && isSensitiveName(key.split(/[\s<>]+/)) && withoutPassword(key) === key;
}

/** Every text in the tree that is secret, the longest first: what may not stand in a message. */
export function secretTexts(data: ConfigData, isSecret: (path: readonly string[]) => boolean): string[] {
  const texts = new Set<string>();
  const visit = (value: ConfigValue, path: readonly string[]): void => {
    const text = textOf(value);
    if (text !== undefined && (isSecret(path) || holdsSecret(text))) texts.add(text);
    else if (typeof value === "string" && holdsSecret(value)) texts.add(value);
    if (isTree(value)) {
      for (const key of secretLines(value, path, isSecret)) texts.add(key);
      for (const [key, inner] of Object.entries(value)) {
        if (shownKey(key) !== key) texts.add(key);
        visit(inner, [...path, key]);
      }
    } else if (Array.isArray(value)) {
      value.forEach((item, index) => {
        visit(item, [...path, String(index)]);
      });
    } else if (value !== null && typeof value !== "boolean" && isSecret(path)) texts.add(String(value));
  };
  visit(data, []);
  return [...texts].filter((text) => text.length >= minSecretLength).sort((a, b) => b.length - a.length);
}

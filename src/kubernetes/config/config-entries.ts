/** The entries of one ConfigMap or Secret, and the tree they make. */
import type { ConfigData, ConfigValue } from "../../config/config.ts";
import { MicrorunError } from "../../errors.ts";
import type { ConfigKind } from "../config-address.ts";

/** What is kept of an object. */
export interface Entries {
  readonly text: Readonly<Record<string, string>>;
  /** In base64. */
  readonly binary: Readonly<Record<string, string>>;
}

/** How texts become a tree. @throws MicrorunError that names the entry and line, and holds nothing of the text */
export type ReadEntries = (entries: Readonly<Record<string, string>>, format: "lines" | "raw") => ConfigData;

export interface ReadObject {
  readonly tree: ConfigData;
  /** Names of entries that are left out: they are no text. */
  readonly left: readonly string[];
}

/** Neither map is there in an empty object. */
// biome-ignore lint/suspicious/noExplicitAny: any Kubernetes object
export function entriesOf(kind: ConfigKind, object: any): Entries {
  const { data, binaryData } = object;
  return kind === "secret"
    ? { text: {}, binary: data ?? {} }
    : { text: data ?? {}, binary: binaryData ?? {} };
}

/** Names of entries that are documents, so that they must be text. */
const document = /\.(ya?ml|json|toml|properties)$/i;

/**
 * What is binary but UTF-8 is read as text; what is not is left out, as of a mounted folder: a keystore, a picture.
 * @throws MicrorunError as `read` does, and `invalid_argument` for a document that is no text
 */
export function readObject(
  { text, binary }: Entries,
  format: "lines" | "raw",
  read: ReadEntries,
): ReadObject {
  const entries: Record<string, string> = Object.create(null);
  const left: string[] = [];
  for (const [name, value] of Object.entries(text)) entries[name] = value;
  for (const [name, value] of Object.entries(binary)) {
    const decoded = utf8(value);
    if (decoded !== undefined) entries[name] = decoded;
    else if (!document.test(name)) left.push(name);
    else throw new MicrorunError("invalid_argument", `${name}: not a text in UTF-8`);
  }
  return { tree: read(entries, format), left: left.sort() };
}

/** Trees laid over one another, key by key; the later wins. */
export function layered(trees: readonly ConfigData[]): ConfigData {
  const [first = Object.create(null) as ConfigData, ...more] = trees;
  return more.reduce(laidOver, first);
}

function laidOver(under: ConfigData, over: ConfigData): ConfigData {
  const merged: Record<string, ConfigValue> = Object.assign(Object.create(null), under);
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isTree(below) && isTree(value) ? laidOver(below, value) : value;
  }
  // what a symbol says of a tree as a whole is the word of the upper one
  for (const symbol of Object.getOwnPropertySymbols(over)) {
    Object.defineProperty(merged, symbol, { value: Reflect.get(over, symbol) });
  }
  return merged;
}

function isTree(value: ConfigValue | undefined): value is ConfigData {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function utf8(base64: string): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(base64, "base64"));
  } catch {
    return undefined;
  }
}

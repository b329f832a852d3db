/** YAML both ways. */
import {
  Document,
  type ErrorCode,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
} from "yaml";
import { MicrorunError } from "./errors.ts";

/** As Kubernetes reads it: 1.1, where a name such as `on` needs quotes. */
const version = "1.1";

/** What Go's reader takes for a number, though 1.1 does not: `0o17`, `0X1F`. */
const goNumber = /^[-+]?0[box][\da-f_]+$/i;

/** One document. */
export function yamlText(value: unknown): string {
  const document = new Document(value, { version });
  visit(document, {
    Scalar: (_, node) => {
      if (typeof node.value === "string" && goNumber.test(node.value)) node.type = "QUOTE_DOUBLE";
    },
  });
  return document.toString();
}

/**
 * Plain data; aliases that would grow without bound are refused.
 * @throws MicrorunError `invalid_argument` with line and column, and nothing of the text, which may hold secrets
 */
export function readYaml(text: string): unknown {
  const lines = new LineCounter();
  const document = parseDocument(text, { prettyErrors: false, lineCounter: lines, version });
  const [fault] = document.errors;
  if (fault === undefined) return document.toJS();
  const { line, col } = lines.linePos(fault.pos[0]);
  const what = fault.code.toLowerCase().replaceAll("_", " ");
  throw new MicrorunError("invalid_argument", `not YAML at line ${line}, column ${col}: ${what}`);
}

export type YamlValue =
  | string
  | number
  | boolean
  | null
  | readonly YamlValue[]
  | { readonly [key: string]: YamlValue };

export interface YamlTreeOptions {
  /** An alias counts as all that it stands for. */
  readonly maxValues: number;
  readonly maxDepth: number;
  /** Makes the error that is thrown. Places count from 1; nothing of the text is in `why`. */
  readonly fault: (why: string, line: number, column: number) => Error;
}

/** What a node became. */
interface Part {
  readonly value: YamlValue;
  /** How many values are in it, itself among them. */
  readonly size: number;
  /** Levels of maps and lists, its own among them. */
  readonly height: number;
}

/**
 * One document as applications mean it: YAML 1.2 with its core schema, where `on` and dates are texts, and merge keys (`<<`), as
 * Go's yaml.v3 has it. Objects have no prototype. An integer that a number cannot hold, infinity and `.nan` stay as written.
 * Null for an empty text. Keys given twice, and a second document, are faults.
 */
export function readYamlTree(text: string, { maxValues, maxDepth, fault }: YamlTreeOptions): YamlValue {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    schema: "core",
    merge: false,
    resolveKnownTags: false,
    intAsBigInt: true,
    // the parser compares each with all others; here they are looked up
    uniqueKeys: false,
    prettyErrors: false,
    lineCounter: lines,
  });
  const anchors = new Map<string, Part | "open">();
  let values = 0;

  const faultAt = (offset: number, why: string): Error => {
    const { line, col } = lines.linePos(offset);
    return fault(why, line, col);
  };
  const wrong = (node: unknown, why: string): Error =>
    faultAt((node as { range?: [number, ...unknown[]] } | null)?.range?.[0] ?? 0, why);
  const spend = (node: unknown, size: number): void => {
    values += size;
    if (values > maxValues)
      throw wrong(node, `more than ${maxValues} values, aliases counted as what they stand for`);
  };

  function part(node: unknown, depth: number, parent: unknown): Part {
    if (isAlias(node)) {
      const known = anchors.get(node.source);
      if (known === undefined) throw wrong(node, "no anchor of this alias comes before it");
      if (known === "open") throw wrong(node, "this alias stands for what it is part of");
      if (depth + known.height > maxDepth) throw wrong(node, `nested more than ${maxDepth} deep`);
      spend(node, known.size);
      return known;
    }
    const place = node ?? parent;
    if (depth >= maxDepth && (isMap(node) || isSeq(node)))
      throw wrong(place, `nested more than ${maxDepth} deep`);
    const { anchor } = (node ?? {}) as { anchor?: string };
    if (anchor !== undefined) anchors.set(anchor, "open");
    const before = values;
    spend(place, 1);
    const made = isMap(node)
      ? mapPart(node.items, depth)
      : isSeq(node)
        ? seqPart(node, depth)
        : scalarPart(node);
    const done = { ...made, size: values - before };
    if (anchor !== undefined) anchors.set(anchor, done);
    return done;
  }

  function seqPart(node: { items: unknown[] }, depth: number): Omit<Part, "size"> {
    let height = 1;
    const value = node.items.map((item) => {
      const child = part(item, depth + 1, node);
      height = Math.max(height, child.height + 1);
      return child.value;
    });
    return { value, height };
  }

  function mapPart(items: readonly { key: unknown; value: unknown }[], depth: number): Omit<Part, "size"> {
    const tree: Record<string, YamlValue> = Object.create(null);
    let height = 1;
    const merged: Readonly<Record<string, YamlValue>>[][] = [];
    for (const { key, value } of items) {
      const name = isMergeKey(key) ? undefined : keyText(key, depth);
      if (name !== undefined && name in tree) throw wrong(key, "this key is there already");
      // what is merged lies no deeper than where it is merged
      const child = part(value, name === undefined && isAlias(value) ? depth : depth + 1, key);
      const below = name !== undefined ? 1 : Array.isArray(child.value) ? -1 : 0;
      height = Math.max(height, child.height + below);
      if (name !== undefined) tree[name] = child.value;
      else merged.push(mapsOf(child.value, key));
    }
    for (const source of merged.flat()) {
      for (const name in source) if (!(name in tree)) tree[name] = source[name]!;
    }
    return { value: tree, height };
  }

  function mapsOf(value: YamlValue, key: unknown): Readonly<Record<string, YamlValue>>[] {
    return (Array.isArray(value) ? value : [value]).map((one) => {
      if (typeof one === "object" && one !== null && !Array.isArray(one)) return one;
      throw wrong(key, "what is merged must be a map, or a list of maps");
    });
  }

  function keyText(key: unknown, depth: number): string {
    if (key === null) return "";
    if (!isScalar(key) && !isAlias(key)) throw wrong(key, "a key must be a text");
    const { value, size } = part(key, depth, key);
    values -= size; // names are not counted
    if (typeof value === "object" && value !== null) throw wrong(key, "a key must be a text");
    // as written: `1.0` and `null` are names here
    return typeof value === "string" || !isScalar(key) ? String(value) : (key.source ?? String(value));
  }

  const [first] = document.errors.toSorted((one, other) => one.pos[0] - other.pos[0]);
  if (first !== undefined) throw faultAt(first.pos[0], whatOf(first));
  return part(document.contents, 0, document.contents).value;
}

/**
 * Where in a text that is YAML a value stands, counted from 1; where there is none, what is nearest to it.
 * @param key its key is meant
 */
export function yamlPlace(
  text: string,
  path: readonly (string | number)[],
  key = false,
): { readonly line: number; readonly column: number } {
  const lines = new LineCounter();
  const document = parseDocument(text, { schema: "core", uniqueKeys: false, lineCounter: lines });
  let name: unknown = document.contents;
  let value: unknown = document.contents;
  for (const step of path) {
    const inside = isAlias(value) ? value.resolve(document) : value;
    const pair = isMap(inside)
      ? inside.items.find((one) => isScalar(one.key) && (one.key.source ?? String(one.key.value)) === step)
      : isSeq(inside)
        ? { key: inside.items[step as number], value: inside.items[step as number] }
        : undefined;
    if (pair === undefined) break;
    ({ key: name, value } = pair);
  }
  const at = (node: unknown): number | undefined =>
    (node as { range?: [number, ...unknown[]] } | null)?.range?.[0];
  const { line, col } = lines.linePos((key ? undefined : at(value)) ?? at(name) ?? 0);
  return { line, column: col };
}

function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.value === "<<" && key.type === "PLAIN";
}

function scalarPart(node: unknown): Omit<Part, "size"> {
  const { value, source } = (node ?? { value: null }) as { value: unknown; source?: string };
  return { value: scalarValue(value, source ?? String(value)), height: 0 };
}

function scalarValue(value: unknown, source: string): YamlValue {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : source;
  return typeof value === "bigint" && Number.isSafeInteger(Number(value)) ? Number(value) : source;
}

/** What the parser says of these shows nothing of the text. */
const plainSpoken: readonly ErrorCode[] = [
  "BAD_INDENT",
  "BLOCK_AS_IMPLICIT_KEY",
  "BLOCK_IN_FLOW",
  "KEY_OVER_1024_CHARS",
  "MISSING_CHAR",
  "MULTILINE_IMPLICIT_KEY",
  "MULTIPLE_ANCHORS",
  "MULTIPLE_TAGS",
  "TAB_AS_INDENT",
];

function whatOf({ code, message }: { readonly code: ErrorCode; readonly message: string }): string {
  if (plainSpoken.includes(code)) return message.charAt(0).toLowerCase() + message.slice(1);
  if (code === "MULTIPLE_DOCS") return "a second document: only one is read";
  if (code === "RESOURCE_EXHAUSTION") return "nested too deeply";
  return code.toLowerCase().replaceAll("_", " ");
}

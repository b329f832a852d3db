/** A configuration as values by their keys, each with its source, as people and programs read them; no secret is among them. */
import type { ConfigStore } from "../configuration.ts";
import { plain } from "./output.ts";

/** One value of the tree. */
export interface Shown {
  readonly key: string;
  /** `***` where it is not to be shown. */
  readonly value: unknown;
  /** Where it is from. */
  readonly source: string;
  /** Tells a change of what is not shown. */
  readonly raw: string;
}

type Tree = Readonly<Record<string, unknown>>;

/** In the order of the tree. @param redacted what of it may be shown */
export function shownValues(store: ConfigStore, redacted: Tree): Shown[] {
  const leaves = (value: unknown, path: readonly string[]): Shown[] => {
    if (isTree(value) && Object.keys(value).length > 0 && !isText(value, store, path))
      return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]));
    const bare = isTree(value) && Object.keys(value).length > 0 ? textOf(value) : value;
    const source = store.originOf(path) ?? "";
    return [{ key: keyText(path), value: bare, source, raw: JSON.stringify(rawAt(store, path)) ?? "" }];
  };
  return Object.entries(redacted).flatMap(([key, value]) => leaves(value, [key]));
}

/** `mongodb.host = 127.0.0.1   (configmap://default/micro)` */
export function shownLine({ key, value, source }: Shown): string {
  return `${key} = ${valueText(value)}   (${plain(source)})`;
}

/** A text that would read as something else is quoted. */
export function valueText(value: unknown): string {
  const text =
    typeof value === "string" && value !== "***" && !isPlain(value) ? JSON.stringify(value) : value;
  return plain(typeof text === "string" ? text : (JSON.stringify(text) ?? ""));
}

function isPlain(text: string): boolean {
  if (text === "" || text !== text.trim() || /[\p{Cc}"]/u.test(text)) return false;
  return !/^([+-]?\d+(\.\d+)?(e[+-]?\d+)?|true|false|null|[[{].*)$/i.test(text);
}

function keyText(path: readonly string[]): string {
  return path.map((key) => (/^[^\s.="\p{Cc}]+$/u.test(key) ? key : plain(JSON.stringify(key)))).join(".");
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `DB_NAME: MICRO` of a ConfigMap is `{ MICRO: "" }` to go-micro and a text to whoever gets it. */
function isText(value: Tree, { current }: ConfigStore, path: readonly string[]): boolean {
  return Object.values(value).every((inner) => inner === "") && typeof current.get(...path) === "string";
}

/** Out of what may be shown, not out of the text itself. */
function textOf(value: Tree): string {
  return Object.keys(value).join("\n").trimEnd();
}

function rawAt({ current }: ConfigStore, path: readonly string[]): unknown {
  let value: unknown = current.data;
  for (const key of path) value = isTree(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return value;
}

export interface ValueChange {
  readonly action: "set" | "changed" | "removed";
  readonly value: Shown;
}

/** What differs, whether it may be shown or not. */
export function changesOf(before: readonly Shown[], now: readonly Shown[]): ValueChange[] {
  const old = new Map(before.map((value) => [value.key, value]));
  const left = new Set(now.map(({ key }) => key));
  const removed = before.filter(({ key }) => !left.has(key));
  return [
    ...removed.map((value): ValueChange => ({ action: "removed", value })),
    ...now.flatMap((value): ValueChange[] => {
      const was = old.get(value.key);
      if (was === undefined) return [{ action: "set", value }];
      return was.raw === value.raw ? [] : [{ action: "changed", value }];
    }),
  ];
}

/** A configuration as values by their keys, each with its source, as people and programs read them; no secret is among them. */
import { type ConfigStore, redact } from "../configuration.ts";
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

/** In the order of the tree. */
export function shownValues(store: ConfigStore): Shown[] {
  // side by side, as it is found under its own keys and shown under others
  const leaves = (
    value: unknown,
    shown: unknown,
    path: readonly string[],
    names: readonly string[],
  ): Shown[] => {
    const isInner = isTree(shown) && Object.keys(shown).length > 0;
    if (isInner && isTree(value) && !isText(value, store, path)) {
      const keys = Object.keys(value);
      return Object.entries(shown).flatMap(([name, inner], index) => {
        const key = keys[index]!;
        return leaves(value[key], inner, [...path, key], [...names, name]);
      });
    }
    const source = store.originOf(path) ?? "";
    const bare = isInner ? textOf(shown) : shown;
    return [{ key: keyText(names), value: bare, source, raw: JSON.stringify(value) ?? "" }];
  };
  const { data } = store.current;
  return Object.keys(data).length === 0 ? [] : leaves(data, redact(data, store.isSecret), [], []);
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
  // what follows three spaces reads as its source
  if (text === "" || text !== text.trim() || /[\p{Cc}"]|\s{2}\(/u.test(text)) return false;
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

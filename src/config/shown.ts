/** A configuration as values by their keys, each with its source; no secret is among them. */
import { redact } from "./redaction.ts";
import type { ConfigStore } from "./store.ts";

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

function keyText(path: readonly string[]): string {
  return path.map((key) => (/^[^\s.="\p{Cc}]+$/u.test(key) ? key : quoted(key))).join(".");
}

/** Without what would steer a terminal. */
function quoted(key: string): string {
  return JSON.stringify(key).replace(/\p{Cc}/gu, "\ufffd");
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

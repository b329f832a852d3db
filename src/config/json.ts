/** JSON with the place of a fault, which JSON.parse does not tell everywhere, and with what it passes over: a name given twice, integers it cannot hold. */
import type { ConfigData, ConfigValue } from "./config.ts";
import { maxTreeDepth, maxTreeValues } from "./merge.ts";
import type { DocumentFault } from "./tree.ts";

const space = /[ \t\n\r]*/y;
const word = /true|false|null/y;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const escaped = /\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4})/y;

/** An integer that a number cannot hold stays as written. Nothing but white space is an empty tree. */
export function readJson(text: string, fault: DocumentFault): ConfigData {
  let at = 0;
  let values = 0;

  const wrong = (why: string, where = at): Error => {
    const before = text.slice(0, where);
    return fault(why, before.split("\n").length, where - before.lastIndexOf("\n"));
  };
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const [taken] = pattern.exec(text) ?? [];
    at += taken?.length ?? 0;
    return taken;
  };
  /** The character after white space. */
  const next = (): string | undefined => {
    take(space);
    return text[at];
  };
  const skip = (character: string): boolean => {
    if (next() !== character) return false;
    at++;
    return true;
  };

  function string(): string {
    const start = at++;
    for (;;) {
      const code = text.charCodeAt(at);
      if (Number.isNaN(code)) throw wrong("this string does not end", start);
      if (code < 0x20) throw wrong("a control character in a string must be escaped");
      if (code === 0x22) break;
      if (code !== 0x5c) at++;
      else if (take(escaped) === undefined) throw wrong("this escape is unknown");
    }
    return JSON.parse(text.slice(start, ++at));
  }

  function object(depth: number): ConfigData {
    const tree: Record<string, ConfigValue> = Object.create(null);
    at++;
    if (skip("}")) return tree;
    do {
      if (next() !== '"') throw wrong("a name in double quotes is expected");
      const start = at;
      const name = string();
      if (name in tree) throw wrong("this name is there already", start);
      if (!skip(":")) throw wrong("a colon is expected");
      tree[name] = value(depth + 1);
    } while (skip(","));
    if (!skip("}")) throw wrong("a comma or } is expected");
    return tree;
  }

  function array(depth: number): ConfigValue[] {
    const list: ConfigValue[] = [];
    at++;
    if (skip("]")) return list;
    do list.push(value(depth + 1));
    while (skip(","));
    if (!skip("]")) throw wrong("a comma or ] is expected");
    return list;
  }

  function value(depth: number): ConfigValue {
    const character = next();
    if (++values > maxTreeValues) throw wrong(`more than ${maxTreeValues} values`);
    if (depth >= maxTreeDepth && (character === "{" || character === "["))
      throw wrong(`nested more than ${maxTreeDepth} deep`);
    if (character === "{") return object(depth);
    if (character === "[") return array(depth);
    if (character === '"') return string();
    const name = take(word);
    if (name !== undefined) return JSON.parse(name);
    const digits = take(number);
    if (digits !== undefined) return numberOf(digits);
    throw wrong("a value is expected");
  }

  if (next() === undefined) return Object.create(null) as ConfigData;
  if (text[at] !== "{") throw wrong("an object is expected");
  const tree = value(0) as ConfigData;
  if (next() !== undefined) throw wrong("nothing is expected after the object");
  return tree;
}

function numberOf(digits: string): number | string {
  const made = Number(digits);
  const holds = /^-?\d+$/.test(digits) ? Number.isSafeInteger(made) : Number.isFinite(made);
  return holds ? made : digits;
}

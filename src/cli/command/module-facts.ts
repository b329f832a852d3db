/** What the text of a module says about it, without running it: the name and the version that it gives itself, and whether it is a function. */
import { readFile } from "node:fs/promises";
import { parse } from "node:path";
import { usageError } from "../../errors.ts";

export interface ModuleFacts {
  /** What it calls itself, else its file's stem. */
  readonly name: string;
  readonly version?: string;
  /** What it exports is called once, and opens no port by itself. */
  readonly isFunction: boolean;
  /** It has handlers of events. */
  readonly subscribes: boolean;
}

/** @param command who asks, for people @throws MicrorunError `invalid_argument` where there is no such file */
export async function readModuleFacts(command: string, module: string): Promise<ModuleFacts> {
  const text = await readFile(module, "utf8").catch(() => undefined);
  if (text === undefined)
    throw usageError(`${command}: cannot read ${module}`, "give the path of a handler module");
  const said = factsIn(text);
  return {
    ...said,
    name: said.name ?? parse(module).name,
    isFunction: isFunction(text),
    subscribes: subscribes(text),
  };
}

/** Whether it exports or names what it subscribes to: as far as its text says. */
export function subscribes(text: string): boolean {
  const outline = outlineOf(text).replace(texts, '""');
  return /\bexport\s+(?:const|let|var)\s+subscribe\b|(?:^|[{,\s])subscribe\s*[:,}]/.test(outline);
}

/** Literals alone: what is computed is known when it runs. */
export function factsIn(text: string): Pick<Partial<ModuleFacts>, "name" | "version"> {
  const outline = outlineOf(text);
  const body = optionsIn(outline);
  const found = ["name", "version"].flatMap((field) => {
    const named = new RegExp(
      `\\bexport\\s+(?:const|let|var)\\s+${field}\\s*(?::\\s*string\\s*)?=\\s*${literal}`,
    );
    const option = new RegExp(`(?:^|[,\\s])["']?${field}["']?\\s*:\\s*${literal}`);
    const match = named.exec(outline) ?? option.exec(body);
    const value = match?.slice(1).find((part) => part !== undefined);
    return value ? [[field, value]] : [];
  });
  return Object.fromEntries(found);
}

/** Whether it exports something to serve or to run: as far as its text says. */
export function isServable(text: string): boolean {
  const outline = outlineOf(text).replace(texts, '""');
  return (
    /\bexport\s+default\b|\bexport\s*\{[^}]*\bas\s+default\b|\bmodule\.exports\b/.test(outline) ||
    /\bexport\s+(?:const|let|var|(?:async\s+)?function\s*\*?)\s*(?:fetch|subscribe|start)\b/.test(outline)
  );
}

/** Whether its default export is a function, or it gives `service({ … })` a job: as far as its text says. */
export function isFunction(text: string): boolean {
  const outline = outlineOf(text).replace(texts, '""');
  if (/(?:^|[,\s])job\s*(?:[:),]|$)/.test(optionsIn(outline))) return true;
  const [, exported] = /\bexport\s+default\s+([\s\S]*)/.exec(outline) ?? [];
  const [, named = /^([\w$]+)\s*(?:;|\n|$)/.exec(exported ?? "")?.[1]] =
    /\bexport\s*\{[^}]*?\b([\w$]+)\s+as\s+default\b/.exec(outline) ?? [];
  if (named === undefined) return exported !== undefined && isFunctionAt(exported);
  const name = named.replaceAll("$", "\\$");
  if (new RegExp(`\\bfunction\\s*\\*?\\s*${name}\\s*[<(]`).test(outline)) return true;
  const [, value] =
    new RegExp(`\\b(?:const|let|var)\\s+${name}\\s*(?::[\\s\\S]*?)?=(?![=>])\\s*([\\s\\S]*)`).exec(outline) ??
    [];
  return value !== undefined && isFunctionAt(value);
}

/** What begins there is a function's expression: `function`, `name =>`, `(…) =>`, one of them in brackets. */
function isFunctionAt(text: string): boolean {
  if (/^(?:async\s+)?(?:function\b|[\w$]+\s*=>)/.test(text)) return true;
  const [head, open] = /^(?:async\s*)?(?:<[^>]*>\s*)?(\()/.exec(text) ?? [];
  if (head === undefined || open === undefined) return false;
  const inside = bracketed(text.slice(head.length));
  if (/^\)\s*(?::[^=;]*)?=>/.test(text.slice(head.length + inside.length))) return true;
  return head === open && isFunctionAt(inside.trimStart());
}

/** What is before the bracket that closes. */
function bracketed(text: string): string {
  let depth = 1;
  for (const { 0: token, index } of text.matchAll(/[()[\]{}]/g)) {
    depth += "([{".includes(token) ? 1 : -1;
    if (depth === 0) return text.slice(0, index);
  }
  return text;
}

/** The options of `service({ … })`, without what is in their braces. */
function optionsIn(outline: string): string {
  const options = /\bservice\s*(?:<[^>()]*>)?\s*\(\s*\{/.exec(outline);
  return options === null ? "" : topLevel(outline.slice(options.index + options[0].length));
}

const texts = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[\s\S])*`/g;

/** A text without escapes, and nothing after it that it is computed with. */
const literal: string =
  "(?:\"([^\"\\\\\\n]*)\"|'([^'\\\\\\n]*)'|`([^`\\\\$]*)`)" +
  "(?=\\s*(?:[;,})]|as\\b|satisfies\\b|$)|[^\\S\\n]*\\n(?!\\s*[+?.|&]))";

/** The same text without comments; of texts over lines nothing but what is in them. */
function outlineOf(text: string): string {
  const tokens =
    /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[\s\S])*`|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;
  return text.replace(tokens, (token) => (token.startsWith("/") ? " " : token));
}

/** Of what follows an opening brace: what is in it, and in no brace further inside. */
function topLevel(text: string): string {
  let depth = 0;
  let kept = "";
  for (const [token] of text.matchAll(
    /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[\s\S])*`|[\s\S]/g,
  )) {
    if ("{[(".includes(token)) depth++;
    if ("}])".includes(token) && --depth < 0) break;
    if (depth === 0) kept += token;
  }
  return kept;
}

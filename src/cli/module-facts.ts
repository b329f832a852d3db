/** What the text of a module says about it, without running it: the name and the version that it gives itself. */
import { readFile } from "node:fs/promises";
import { parse } from "node:path";
import { usageError } from "../errors.ts";

export interface ModuleFacts {
  /** What it calls itself, else its file's stem. */
  readonly name: string;
  readonly version?: string;
}

/** @param command who asks, for people @throws MicrorunError `invalid_argument` where there is no such file */
export async function readModuleFacts(command: string, module: string): Promise<ModuleFacts> {
  const text = await readFile(module, "utf8").catch(() => undefined);
  if (text === undefined)
    throw usageError(`${command}: cannot read ${module}`, "give the path of a handler module");
  const said = factsIn(text);
  return { ...said, name: said.name ?? parse(module).name };
}

/** Literals alone: what is computed is known when it runs. */
export function factsIn(text: string): Partial<ModuleFacts> {
  const outline = outlineOf(text);
  const options = /\bservice\s*(?:<[^>()]*>)?\s*\(\s*\{/.exec(outline);
  const body = options === null ? "" : topLevel(outline.slice(options.index + options[0].length));
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

/** Texts without what follows a sensitive name in them, `password=…`, `api-key: …`, `"token": "…"`; in time that is linear in a text. */
import { isInAddress } from "./redaction-addresses.ts";
import { isSensitiveName } from "./redaction-keys.ts";

/** What stands for a value that is not shown. */
export const hidden = "***";

/** `api key`: of two words the first is not the value before it, `type=password host=db`. */
const bare = "(?<bare>(?<![\\w.-])(?:(?<!=)[\\w.-]+[ \\t])?[\\w.-]+)";
/** `"password"`, also where it is quoted once more: `\"password\"`. */
const quoted = `(?<quote>["'])(?<quoted>[^"'\\\\\\n=:]{1,128})\\\\{0,7}\\k<quote>`;
/** `a == b` compares, and `a => b` is a function, unless a quote follows: a hash. */
const sign = "(?<sign>>|\\s{0,8}(?::=|=>(?=\\s{0,8}\\\\{0,7}[\"'])|=(?!>|={1,2}\\s)=?|:))\\s{0,8}";
const opening = `(?=(?<escapes>\\\\{0,7})(?<open>["'[{]?))`;
const label = new RegExp(`(?:${quoted}|${bare}(?<closing>\\\\{0,7}["'\\]])?)${sign}${opening}`, "g");

/** How far before a name its delimiter is looked for. */
const maxGap = 8;
/** With attributes; that is to be followed by what it holds. */
const element = /<([\w.:-]{1,128})\s[^<>]{0,1024}(?<!\/)>(?!<\/|$)/g;

/** `Server=db;Password=word` → `Server=db;Password=***`, `{"user":"u","password":"word"}` → `{"user":"u","password":"***"}` */
export function withoutLabelled(text: string): string {
  for (const { 0: tag, 1: name = "", index } of text.matchAll(element)) {
    if (!isSensitiveName([name])) continue;
    const shown = withoutValues(text.slice(0, index + tag.length));
    return shown.endsWith(hidden) ? shown : shown + hidden;
  }
  return withoutValues(text);
}

function withoutValues(text: string): string {
  let shown = "";
  let from = 0;
  for (const found of text.matchAll(label)) {
    const start = found.index + found[0].length;
    if (start < from || start === text.length) continue;
    const { quoted, bare = "", closing, sign = "", escapes = "", open = "" } = found.groups!;
    const isMember = quoted !== undefined || closing !== undefined;
    if (!isSensitiveName((quoted ?? bare).split(/\s+/))) continue;
    if (!isMember && isNoLabel(text, bare, found, open)) continue;
    const quote = open === '"' || open === "'" ? escapes + open : "";
    let end = text.length;
    if (quote !== "") end = quotedEnd(text, start, escapes, open);
    else if (open === "" && sign.includes("=")) end = assignedEnd(text, found.index, start);
    else if (open === "" && isMember) end = endBefore(text, start, /[\s,}\]]/g);
    if (end === start) continue;
    shown += text.slice(from, start) + quote + hidden + quote;
    from = end;
  }
  return shown + text.slice(from);
}

/** A part of an address, or the name of a group: `(?<token>…)`. */
function isNoLabel(text: string, name: string, { 0: found, index }: RegExpExecArray, open: string): boolean {
  if (found === `${name}>`) return /\?P?<$/.test(text.slice(Math.max(0, index - 3), index));
  const own = name.slice(name.search(/\S+$/));
  const end = index + name.length + 1;
  return found === `${name}:` && open === "" && isInAddress(text, end - 1 - own.length, end);
}

/** What is delimited on its left is delimited on its right: `;` of connection strings, `&` of queries. Where all else ends nobody knows. */
function assignedEnd(text: string, name: number, start: number): number {
  const before = text
    .slice(Math.max(0, name - maxGap), name)
    .trimEnd()
    .at(-1);
  if (before === ";") return endBefore(text, start, /;/g);
  if (before === "?" || before === "&") return endBefore(text, start, /&/g);
  return text.length;
}

function endBefore(text: string, start: number, delimiter: RegExp): number {
  delimiter.lastIndex = start;
  return delimiter.exec(text)?.index ?? text.length;
}

/** Behind the quote that ends what begins with one; one that is doubled ends nothing, nor does one that the value goes on behind. */
function quotedEnd(text: string, start: number, escapes: string, open: string): number {
  const quote = escapes + open;
  let end = closingQuote(text, start + quote.length, escapes, open);
  while (text.startsWith(quote, end)) end = closingQuote(text, end + quote.length, escapes, open);
  return /[^\s,;&)\]}/>"'\\]/.test(text.charAt(end)) ? text.length : end;
}

function closingQuote(text: string, from: number, escapes: string, open: string): number {
  for (let at = text.indexOf(open, from); at >= 0; at = text.indexOf(open, at + 1)) {
    let before = at;
    while (before > from && text[before - 1] === "\\") before--;
    const ends = escapes === "" ? (at - before) % 2 === 0 : at - before <= escapes.length;
    if (ends) return at + 1;
  }
  return text.length;
}

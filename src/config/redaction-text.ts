/** Texts without the passwords that stand in them, and messages without the secrets that they quote; in time that is linear in a text. */
import { isSensitiveKey, sensitiveParts } from "./redaction-keys.ts";

/** What stands for a value that is not shown. */
export const hidden = "***";
/** Shorter texts are too common to be looked for. */
export const minSecretLength = 4;

const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;
const names = `(?:${sensitiveParts.join("|")}|pwd)[\\w-]{0,32}`;
/** `password=…`: a connection string, the query of a URL. */
const assignment = new RegExp(`(${names} {0,4}=)[^&;]+`, "gi");
/** `password: …`: YAML, header fields. Where that ends nobody knows. */
const field = new RegExp(`(${names}:(?:[ \\t]|(?=["'])))[^]+`, "i");
/** `"password":`, also where it is quoted once more: `\"password\":`. */
const member = /(["'])([^"'\\\n]{1,128})\\{0,7}\1\s{0,8}:\s{0,8}(?=(\\{0,7})(["'[{]?))/g;
const userInfo = /:\/\/([^:/?#@]*)(?::(.*))?@/g;
/** Of a DSN without a scheme, as Go's MySQL driver has it: `user:word@tcp(host:3306)/db`, `user:word@/db`. */
const network = /@(?:[a-z][\w+-]{0,31}\(|\/)/gi;

export function isPrivateKey(text: string): boolean {
  return privateKey.test(text);
}

/** A password stands in it, or it is a private key. */
export function holdsSecret(text: string): boolean {
  return isPrivateKey(text) || withoutPassword(text) !== text;
}

/** `postgres://user:word@host` → `postgres://user:***@host`, `Server=db;Password=word` → `Server=db;Password=***` */
export function withoutPassword(text: string): string {
  const plain = text.includes("@") ? text.replace(/\S+/g, withoutUser) : text;
  return withoutMembers(plain).replace(assignment, `$1${hidden}`).replace(field, `$1${hidden}`);
}

/** @param word without white space */
function withoutUser(word: string): string {
  // up to its last @: whatever begins there is found to have an end
  const at = word.lastIndexOf("@") + 1;
  if (at === 0) return word;
  const head = word.slice(0, at);
  const shown = head.replace(userInfo, (found, user: string, password: string | undefined) => {
    if (user === "" && !password) return found;
    // a user alone is a token
    const alone = !password || password === "x-oauth-basic";
    return alone ? `://${hidden}@` : `://${user}:${hidden}@`;
  });
  return shown === head ? withoutDsnPassword(word) : shown + word.slice(at);
}

function withoutDsnPassword(word: string): string {
  const end = [...word.matchAll(network)].at(-1)?.index ?? -1;
  const colon = word.indexOf(":");
  if (colon < 1 || end <= colon + 1) return word;
  return `${word.slice(0, colon)}:${hidden}${word.slice(end)}`;
}

/** `{"user":"u","password":"word"}` → `{"user":"u","password":"***"}` */
function withoutMembers(text: string): string {
  let shown = "";
  let from = 0;
  for (const found of text.matchAll(member)) {
    const [whole, , key = "", escapes = "", open = ""] = found;
    const start = found.index + whole.length;
    if (start < from || !isSensitiveKey(key)) continue;
    const end = valueEnd(text, start, escapes, open);
    const quotes = open === '"' || open === "'" ? escapes + open : "";
    shown += text.slice(from, start) + quotes + hidden + quotes;
    from = end;
  }
  return shown + text.slice(from);
}

/** Where a value of JSON ends that begins at `start`: an object or a list, whatever is in it, with the text. */
function valueEnd(text: string, start: number, escapes: string, open: string): number {
  if (open === "{" || open === "[") return text.length;
  if (open === "") {
    const length = text.slice(start).search(/[\s,}\]]/);
    return length < 0 ? text.length : start + length;
  }
  for (let at = text.indexOf(open, start + escapes.length + 1); at >= 0; at = text.indexOf(open, at + 1)) {
    let before = at;
    while (text[before - 1] === "\\") before--;
    const ends = escapes === "" ? (at - before) % 2 === 0 : at - before <= escapes.length;
    if (ends) return at + 1;
  }
  return text.length;
}

/** Of these a message may have others than the text that it quotes. */
const loose = /[\s"\\]/;
const gaps = /\s+|\\+[bfnrt]?/g;

/** A message in one line without any of the texts, however their white space was changed or escaped. @param secrets the longest first */
export function quiet(message: string, secrets: readonly string[]): string {
  return secrets.reduce(without, message).replaceAll(/\s+/g, " ").trim();
}

function without(message: string, secret: string): string {
  const wanted = loose.test(secret) ? secret.replaceAll(gaps, "") : "";
  if (wanted.length < minSecretLength) return message.replaceAll(secret, hidden);
  const { text, places } = withoutGaps(message);
  let shown = "";
  let from = 0;
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
    shown += message.slice(from, places[at]) + hidden;
    from = places[at + wanted.length - 1]! + 1;
  }
  return shown + message.slice(from);
}

/** Without white space and escapes, and where in the message each character stands. */
function withoutGaps(message: string): { readonly text: string; readonly places: readonly number[] } {
  const places: number[] = [];
  let from = 0;
  const take = (to: number): void => {
    while (from < to) places.push(from++);
  };
  for (const { 0: gap, index } of message.matchAll(gaps)) {
    take(index);
    from = index + gap.length;
  }
  take(message.length);
  return { text: message.replaceAll(gaps, ""), places };
}

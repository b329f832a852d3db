/** Texts without the passwords that stand in them, and messages without the secrets that they quote; in time that is linear in a text. */
import { hidden, withoutLabelled } from "./redaction-labels.ts";

export { hidden };
/** Shorter texts are too common to be looked for. */
export const minSecretLength = 4;

/** PEM, PGP and SSH2 say so where they begin, PuTTY where the private part does. */
const privateKey = /---- ?BEGIN [\w ]{0,64}PRIVATE KEY|\bPrivate-Lines:/;
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
  return withoutLabelled(plain);
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

/** Shorter ones of letters alone are words too common to be looked for where no quotes say that a value is meant. */
const minBareLetters = 6;
/** What validators say themselves. */
const ownWords = new Set(
  "string number boolean bigint symbol undefined function object expected received invalid required".split(
    " ",
  ),
);

/** Of these a message may have others than the text that it quotes. */
const loose = /[\s"\\]/;
const gaps = /\s+|\\+[bfnrt]?/g;

/**
 * A message in one line without any of the texts, however their white space was changed or escaped; without those that are common
 * words only where they are quoted. @param secrets the longest first
 */
export function quiet(message: string, secrets: readonly string[]): string {
  return secrets.reduce(without, message).replaceAll(/\s+/g, " ").trim();
}

function without(message: string, secret: string): string {
  if (isCommon(secret))
    return message.replaceAll(new RegExp(`(\\\\*["'\`])${secret}(?=\\\\*["'\`])`, "g"), `$1${hidden}`);
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

function isCommon(secret: string): boolean {
  return /^\p{L}+$/u.test(secret) && (secret.length < minBareLetters || ownWords.has(secret.toLowerCase()));
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

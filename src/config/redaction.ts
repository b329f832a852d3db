/** Which values are not for every eye, and trees without them. */
import type { ConfigData, ConfigValue } from "./config.ts";
import { isTree, textOf } from "./snapshot.ts";

/** What stands for a value that is not shown. */
export const hidden = "***";

/** Sensitive wherever they stand in a key: `DB_PASSWORD`, `dbPassword2`. */
const parts = [
  "password",
  "passwd",
  "passphrase",
  "secret",
  "token",
  "credential",
  "apikey",
  "accesskey",
  "privatekey",
  "signingkey",
  "encryptionkey",
  "connectionstring",
  "authorization",
  "cookie",
  "bearer",
];
/** Sensitive as words of their own: `MYSQL_PWD`, `sentryDsn`. */
const words = ["pwd", "dsn", "pass", "jwt"];
/** Sensitive in two words that follow each other, as the environment nests them: `api.key`. */
const pairs = parts.filter((part) => /key$|string$/.test(part));

const sensitivePart = new RegExp(parts.join("|"));
/** `DBPWD`, `sentrydsn` */
const sensitiveEnd = /(pwd|dsn)$/;
/** `password=…` within a value: a connection string, the query of a URL. Bounded, as the value may be long and hostile. */
const assignment = new RegExp(`((?:${parts.join("|")}|pwd)[\\w-]{0,32} {0,4}=)[^&;]+`, "gi");
const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;
const userInfo = /:\/\/([^\s:/@]{0,256}):\S{1,1024}@/g;

/**
 * Whether values under this key are never shown: it holds password, passwd, passphrase, secret, token, credential, api key, access
 * key, private key, signing key, encryption key, connection string, authorization, cookie or bearer, or the word pwd, pass, dsn or jwt.
 * Upper case and separators do not matter.
 */
export function isSensitiveKey(key: string): boolean {
  const plain = wordsOf(key);
  const joined = plain.join("");
  return (
    sensitivePart.test(joined) || sensitiveEnd.test(joined) || plain.some((word) => words.includes(word))
  );
}

/** The same of all keys that lead to a value, and of those that follow each other: `api.key`. */
export function isSensitivePath(path: readonly string[]): boolean {
  // the shell's own, which every environment has
  if (path.length === 1 && /^(old)?pwd$/i.test(path[0]!)) return false;
  if (path.some(isSensitiveKey)) return true;
  const plain = path.flatMap(wordsOf);
  return plain.some((word, index) => pairs.includes(word + plain[index + 1]));
}

/** `dbPassword`, `DB_PASSWORD`, `db-password` → db, password */
function wordsOf(key: string): string[] {
  return key
    .replace(/(\p{Ll}|\p{N})(\p{Lu})/gu, "$1 $2")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "");
}

/**
 * The tree with `***` for each value that is secret or that the list of `isSensitiveKey` names, and for passwords within a value (of a URL, of
 * a connection string).
 * Where a key of lines is itself the value (a line without `=`), all of these lines are hidden.
 */
export function redact(data: ConfigData, isSecret: (path: readonly string[]) => boolean): ConfigData {
  const shown = (value: ConfigValue, path: readonly string[]): ConfigValue => {
    if (isTree(value) && textOf(value) === undefined) {
      if (path.length > 0 && secretLines(value, path, isSecret).length > 0) return hidden;
      return tree(value, path);
    }
    if (isSensitivePath(path) || isSecret(path)) return hidden;
    if (isTree(value)) return tree(value, path);
    if (Array.isArray(value)) return value.map((item, index) => shown(item, [...path, String(index)]));
    if (typeof value !== "string") return value;
    return privateKey.test(value) ? hidden : withoutPassword(value);
  };
  const tree = (value: ConfigData, path: readonly string[]): ConfigData => {
    const copy: Record<string, ConfigValue> = Object.create(null);
    for (const [key, inner] of Object.entries(value))
      copy[withoutPassword(key)] = shown(inner, [...path, key]);
    return copy;
  };
  return tree(data, []);
}

/** Keys that are what a secret line says: empty values under keys that are secret by their source, not by their name. */
function secretLines(
  value: ConfigData,
  path: readonly string[],
  isSecret: (path: readonly string[]) => boolean,
): string[] {
  const secret = (key: string): boolean =>
    (isSecret([...path, key]) || isSensitivePath(path)) && !isSensitiveKey(key);
  return Object.entries(value).flatMap(([key, inner]) =>
    inner === "" && key !== "" && secret(key) ? [key] : [],
  );
}

/** Shorter texts are too common to be looked for. */
const minSecretLength = 4;

/** Every text in the tree that is secret, the longest first: what may not stand in a message. */
export function secretTexts(data: ConfigData, isSecret: (path: readonly string[]) => boolean): string[] {
  const texts = new Set<string>();
  const visit = (value: ConfigValue, path: readonly string[]): void => {
    const text = textOf(value);
    if (text !== undefined && isSecret(path)) texts.add(text);
    else if (typeof value === "string" && holdsSecret(value)) texts.add(value);
    if (isTree(value)) {
      for (const key of secretLines(value, path, isSecret)) texts.add(key);
      for (const [key, inner] of Object.entries(value)) visit(inner, [...path, key]);
    } else if (Array.isArray(value)) {
      value.forEach((item, index) => {
        visit(item, [...path, String(index)]);
      });
    } else if (value !== null && typeof value !== "boolean" && isSecret(path)) texts.add(String(value));
  };
  visit(data, []);
  return [...texts].filter((text) => text.length >= minSecretLength).sort((a, b) => b.length - a.length);
}

/** A password stands in it, or it is a private key. */
export function holdsSecret(text: string): boolean {
  return privateKey.test(text) || withoutPassword(text) !== text;
}

/** `postgres://user:word@host` → `postgres://user:***@host`, `Server=db;Password=word` → `Server=db;Password=***` */
export function withoutPassword(text: string): string {
  return text.replace(userInfo, `://$1:${hidden}@`).replace(assignment, `$1${hidden}`);
}

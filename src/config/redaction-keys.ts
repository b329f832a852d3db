/** Keys that say of what they name that it is not for every eye. */

/** Sensitive wherever they stand in a key: `DB_PASSWORD`, `dbPassword2`. */
export const sensitiveParts: readonly string[] = [
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
const pairs = sensitiveParts.filter((part) => /key$|string$/.test(part));

const sensitivePart = new RegExp(sensitiveParts.join("|"));
/** `DBPWD`, `sentrydsn` */
const sensitiveEnd = /(pwd|dsn)$/;

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

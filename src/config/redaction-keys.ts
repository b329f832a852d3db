/** Keys that say of what they name that it is not for every eye. */

/** Sensitive wherever they stand in a key: `DB_PASSWORD`, `dbPassword2`. */
const sensitiveParts: readonly string[] = [
  "password",
  "passwd",
  "passphrase",
  "passcode",
  "secret",
  "token",
  "credential",
  "apikey",
  "accesskey",
  "privatekey",
  "signingkey",
  "encryptionkey",
  "accountkey",
  "masterkey",
  "sslkey",
  "tlskey",
  "connectionstring",
  "authorization",
  "cookie",
  "bearer",
];
/** Sensitive as words of their own: `MYSQL_PWD`, `sentryDsn`. */
const words = ["pwd", "dsn", "pass", "jwt", "psk", "otp", "sig", "signature"];
/** Sensitive in two words that follow each other, as the environment nests them: `api.key`. */
const pairs = sensitiveParts.filter((part) => /key$|string$/.test(part));

const sensitivePart = new RegExp(sensitiveParts.join("|"));
/** `DBPWD`, `sentrydsn` */
const sensitiveEnd = /(pwd|dsn)$/;

/**
 * Whether values under this key are never shown: it holds one of `sensitiveParts` or of `words`.
 * Upper case and separators do not matter.
 */
export function isSensitiveKey(key: string): boolean {
  return isSensitive(wordsOf(key));
}

/** The same of keys, or of words, that follow each other: of any alone, and of two words together, `api key`. */
export function isSensitiveName(name: readonly string[]): boolean {
  const plain = name.map(wordsOf);
  if (plain.some(isSensitive)) return true;
  return plain.flat().some((word, index, all) => pairs.includes(word + all[index + 1]));
}

/** The same of all keys that lead to a value: `api.key`. */
export function isSensitivePath(path: readonly string[]): boolean {
  // the shell's own, which every environment has
  if (path.length === 1 && /^(old)?pwd$/i.test(path[0]!)) return false;
  return isSensitiveName(path);
}

function isSensitive(plain: readonly string[]): boolean {
  const joined = plain.join("");
  return (
    sensitivePart.test(joined) || sensitiveEnd.test(joined) || plain.some((word) => words.includes(word))
  );
}

/** `dbPassword`, `DB_PASSWORD`, `db-password` → db, password */
function wordsOf(key: string): string[] {
  return key
    .replace(/(\p{Ll}|\p{N})(\p{Lu})/gu, "$1 $2")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "");
}

/** Paths that mean the same to everybody: what could be read in two ways is refused, not guessed. */
import { MicrorunError } from "../errors.ts";

/** An encoded slash, backslash or NUL: some servers decode it before they route, some after. */
const hidden = /%(2f|5c|00)/i;
/** Control characters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const control = /[\u0000-\u001f\u007f]/;

/**
 * @param path of a URL, its dot segments resolved
 * @returns decoded, for rules to be held against
 * @throws MicrorunError `invalid_argument`
 */
export function checkedPath(path: string): string {
  const decoded = hidden.test(path) ? undefined : decode(path);
  const clean =
    decoded !== undefined &&
    !decoded.includes("//") &&
    !decoded.includes("\\") &&
    !control.test(decoded) &&
    !decoded.split("/").some((part) => part === "." || part === "..");
  if (clean) return decoded;
  throw new MicrorunError("invalid_argument", "the path can be read in more than one way");
}

/** It is the prefix, or below it. */
export function isBelow(path: string, prefix: string): boolean {
  const folder = prefix.endsWith("/") ? prefix : `${prefix}/`;
  return path === prefix || path.startsWith(folder);
}

function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

/** Whole numbers in a `.proto`'s options that no JavaScript number holds, kept from protobufjs's parser, which rounds them. */

/** Longer than any that fits, or a hint of one: most files have none. */
const suspicious = /\d[\dA-Fa-fxX]{13}/;
const lexeme =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"[^"\\]*(?:\\[\s\S][^"\\]*)*"|'[^'\\]*(?:\\[\s\S][^'\\]*)*'|[^\s{}=;:[\],'"()<>/]+|\S/g;

/** What `default` is called where its number is told as a text: of `default` the parser takes numbers alone. */
export const exactDefault = "exact_default";

/** The same text, on the same lines, with such numbers as texts in decimal: `(big) = "18446744073709551615"`. */
export function exactNumbers(text: string): string {
  if (!suspicious.test(text)) return text;
  let exact = "";
  let copied = 0;
  const replace = (token: RegExpExecArray, by: string): void => {
    exact += text.slice(copied, token.index) + by;
    copied = token.index + token[0].length;
  };
  let brackets = 0;
  let braces = 0;
  /** How many braces are around the `option` being read. */
  let statement: number | undefined;
  const before: RegExpExecArray[] = [];
  for (const token of text.matchAll(lexeme)) {
    const [word] = token;
    if (/^\/[/*]/.test(word)) continue;
    const [opening, name, sign] = before.slice(-3).map(([one]) => one);
    if (word === "[") brackets++;
    if (word === "]") brackets--;
    if (word === "{") braces++;
    if (word === "}") braces--;
    if (word === ";" && statement === braces) statement = undefined;
    if (word === "option" && (sign === undefined || /^[;{}]$/.test(sign))) statement ??= braces;
    // a value of an enum may be called so
    if (word === "=" && sign === "option") statement = undefined;
    const value = brackets > 0 || statement !== undefined ? unsafe(word) : undefined;
    if (value !== undefined) {
      if (sign === "=" && name === "default" && (opening === "[" || opening === ","))
        replace(before.at(-2)!, exactDefault);
      replace(token, `"${value}"`);
    }
    before.push(token);
    if (before.length > 3) before.shift();
  }
  return exact + text.slice(copied);
}

function unsafe(word: string): bigint | undefined {
  const [, sign, digits] = /^(-?)(0[xX][\dA-Fa-f]+|\d+)$/.exec(word) ?? [];
  if (digits === undefined) return undefined;
  const value = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
  if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  return sign === "-" ? -value : value;
}

/** Values that the API server quotes in what it says: an object is left out, which may be long and hold what is nobody's business. */

/** `spec.template: Invalid value: {"env": …}: field is immutable` → `spec.template: field is immutable` */
export function withoutObjects(message: string): string {
  let text = message;
  for (let start = 0; ; ) {
    const [quote] = /\bInvalid value: [\w.*&[\]]*\{/.exec(text.slice(start)) ?? [];
    if (quote === undefined) return text;
    const at = text.indexOf(quote, start);
    const after = endOf(text, at + quote.length);
    text = `${text.slice(0, at)}${text.slice(after).replace(/^:\s*/, "")}`;
    start = at;
  }
}

/** Where the brace closes that is open at `from`; the end where it does not. */
function endOf(text: string, from: number): number {
  let depth = 1;
  for (const { 0: token, index } of text.slice(from).matchAll(/"(?:[^"\\]|\\.)*"?|[{}]/gs)) {
    depth += token === "{" ? 1 : token === "}" ? -1 : 0;
    if (depth === 0) return from + index + 1;
  }
  return text.length;
}

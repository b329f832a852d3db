/** Where and why a text is not JSON: asked only after `JSON.parse` refused it, since not every engine says. */

export interface JsonFault {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  /** `a value is expected, not }` */
  readonly why: string;
}

type Expected = "a value" | "a value or ]" | "a name or }" | "a name" | ":" | ", or }" | ", or ]" | "the end";

const space = /[ \t\n\r]*/y;
const scalar = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;
const escaped = /\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4})/y;

/** Undefined: the text is JSON by its grammar (and was refused for its depth). */
export function jsonFault(text: string): JsonFault | undefined {
  const open: ("}" | "]")[] = [];
  let at = 0;
  let expected: Expected = "a value";

  const skip = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    if (!pattern.test(text)) return false;
    at = pattern.lastIndex;
    return true;
  };
  const afterValue = (): Expected => {
    const closing = open.at(-1);
    return closing === undefined ? "the end" : closing === "}" ? ", or }" : ", or ]";
  };

  for (;;) {
    skip(space);
    const c = text[at];
    if (expected === "the end" && c === undefined) return undefined;
    if ((c === "}" || c === "]") && c === open.at(-1) && expected.endsWith(c)) {
      at++;
      open.pop();
      expected = afterValue();
    } else if (expected === ":" && c === ":") {
      at++;
      expected = "a value";
    } else if (expected.startsWith(",") && c === ",") {
      at++;
      expected = open.at(-1) === "}" ? "a name" : "a value";
    } else if (c === '"' && /name|value/.test(expected)) {
      const end = stringEnd(text, at);
      if (typeof end !== "number") return faultAt(text, end.at, end.why);
      at = end;
      expected = expected.startsWith("a name") ? ":" : afterValue();
    } else if (expected.startsWith("a value") && (c === "{" || c === "[")) {
      at++;
      open.push(c === "{" ? "}" : "]");
      expected = c === "{" ? "a name or }" : "a value or ]";
    } else if (expected.startsWith("a value") && skip(scalar)) {
      expected = afterValue();
    } else {
      return faultAt(text, at, `${expected} is expected${c === undefined ? "" : `, not ${shown(text, at)}`}`);
    }
  }
}

function stringEnd(text: string, start: number): number | { at: number; why: string } {
  for (let at = start + 1; at < text.length; ) {
    const c = text.charCodeAt(at);
    if (c === 0x22) return at + 1;
    if (c < 0x20) return { at, why: "a control character in a string must be escaped" };
    if (c !== 0x5c) at++;
    else {
      escaped.lastIndex = at;
      if (!escaped.test(text)) return { at, why: "this escape is unknown" };
      at = escaped.lastIndex;
    }
  }
  return { at: start, why: "the string does not end" };
}

function faultAt(text: string, at: number, why: string): JsonFault {
  const before = text.slice(0, at);
  const line = before.split("\n").length;
  return { line, column: at - before.lastIndexOf("\n"), why };
}

/** A word or a character; one that cannot be printed by its escape. */
function shown(text: string, at: number): string {
  const [word] = /^(?:[\w.+-]{1,20}|[!-~])/.exec(text.slice(at, at + 20)) ?? [];
  return word ?? JSON.stringify(text[at]);
}

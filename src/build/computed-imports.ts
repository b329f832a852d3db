/** Imports whose name is known only when the service runs: what a bundler cannot follow. */

export interface Found {
  /** From 1. */
  readonly line: number;
  /** As written, shortened: `import(name)`. */
  readonly text: string;
}

/** Of what is written, comments and texts skipped, so that nothing within them is taken for code. */
const tokens =
  /\/\/.*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|(?<![.\w$])(import|require)\s*\(\s*|(?<![.\w$])new\s+(Worker)\s*\(\s*|`(?:\\.|[^`\\])*`/g;
const maxShown = 40;

export function computedImports(source: string): Found[] {
  const found: Found[] = [];
  for (const match of source.matchAll(tokens)) {
    const [token, call, worker] = match;
    if (call === undefined && worker === undefined) continue;
    const rest = source.slice(match.index + token.length);
    if (call !== undefined && isConstant(rest)) continue;
    // a function or method of that name
    if (call !== undefined && /^[^)]*\)\s*(:|\{)/.test(rest)) continue;
    found.push({ line: source.slice(0, match.index).split("\n").length, text: shown(token + rest) });
  }
  return found;
}

function isConstant(argument: string): boolean {
  return (
    /^(\/\*[\s\S]*?\*\/\s*)?(["'][^"'\n]*["']|`[^`$]*`)\s*[,)]/.test(argument) || argument.startsWith(")")
  );
}

function shown(text: string): string {
  const line = text.split("\n")[0]!;
  const end = line.indexOf(")");
  const call = end < 0 ? line : line.slice(0, end + 1);
  return call.length > maxShown ? `${call.slice(0, maxShown)}…` : call;
}

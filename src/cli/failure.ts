/** Errors that reached the top: how they are told, and the exit code they mean. */
import { errorText, MicrorunError } from "../errors.ts";

/** 2 asked wrongly, 1 failed. */
export function exitCode(error: unknown): 1 | 2 {
  return error instanceof MicrorunError && error.code === "invalid_argument" ? 2 : 1;
}

export interface Telling {
  /** @default false */
  readonly color?: boolean;
  /** With stacks and causes. @default false */
  readonly debug?: boolean;
}

/** `error: what: why` and a hint; a stack only for what is not ours, or when debugging. */
export function failureText(error: unknown, { color = false, debug = false }: Telling = {}): string {
  const paint = (code: string, text: string) => (color ? `\x1b[${code}m${text}\x1b[0m` : text);
  const ours = error instanceof MicrorunError;
  const lines = [`${paint("31;1", "error:")} ${ours ? error.message : `this is a bug: ${errorText(error)}`}`];
  if (!ours || debug) lines.push(...stacks(error));
  const hint = ours
    ? (error.hint ?? (error.cause && !debug ? seeStack : undefined))
    : "report it, with these lines";
  if (hint !== undefined) lines.push(`  ${paint("36", "hint:")} ${hint}`);
  return lines.join("\n");
}

const seeStack = "add --log_level=debug to see what caused it";

/** How deep a chain of causes is followed. */
const maxCauses = 8;

function stacks(error: unknown): string[] {
  const lines: string[] = [];
  let next = error;
  for (let depth = 0; next !== undefined && depth < maxCauses; depth++) {
    const text = next instanceof Error ? (next.stack ?? String(next)) : String(next);
    lines.push(`${depth === 0 ? "" : "caused by: "}${text}`.replace(/^/gm, "    "));
    next = next instanceof Error ? next.cause : undefined;
  }
  return lines;
}

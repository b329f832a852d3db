/** Errors that reached the top: how they are told, and the exit code they mean. */
import { errorText, MicrorunError } from "../errors.ts";
import { createLog } from "../log.ts";

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

/**
 * `error: what: why` and a hint. With a stack where somebody's code is at fault, not what was asked: an error that is not
 * ours is a bug of ours, the cause of an `internal` one is what the user's module threw.
 */
export function failureText(error: unknown, { color = false, debug = false }: Telling = {}): string {
  const paint = (code: string, text: string) => (color ? `\x1b[${code}m${text}\x1b[0m` : text);
  const head = paint("31;1", "error:");
  const hint = (text: string) => `  ${paint("36", "hint:")} ${text}`;
  if (!(error instanceof MicrorunError)) {
    const lines = [
      `${head} this is a bug: ${errorText(error)}`,
      ...stacks(error),
      hint("report it, with these lines"),
    ];
    return lines.join("\n");
  }
  const lines = [`${head} ${error.message}`];
  const shown = debug ? error : error.code === "internal" ? error.cause : undefined;
  lines.push(...stacks(shown));
  if (error.hint !== undefined) lines.push(hint(error.hint));
  else if (error.cause !== undefined && shown === undefined)
    lines.push(hint("set MICRO_LOG_LEVEL=debug to see what caused it"));
  return lines.join("\n");
}

/** The same as one line of a log in JSON. */
export function failureLine(error: unknown): string {
  const ours = error instanceof MicrorunError;
  const { hint } = ours ? error : { hint: "report it, with this line" };
  const message = ours ? error.message : `this is a bug: ${errorText(error)}`;
  const cause = ours ? error.cause : error;
  const fields = {
    ...(hint === undefined ? {} : { hint }),
    ...(cause === undefined ? {} : { error: cause }),
  };
  let text = "";
  createLog({ format: "json", write: (line) => (text = line) }).error(message, fields);
  return text;
}

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

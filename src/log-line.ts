/** How a log record is written, for people or for machines. It never fails, whatever a field holds, and writes no secret. */

export const logLevels = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof logLevels)[number];
export type LogFields = Readonly<Record<string, unknown>>;

export interface LogRecord {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** Keys whose values are never written. */
const secretKey = /pass(word|wd)?$|secret|token|authorization|api[-_]?key|private[-_]?key|credential|cookie/i;

/** How deep a field's value is followed. */
const maxDepth = 8;
/** How many causes of an error are followed. */
const maxCauses = 8;

/** The fields to keep: a later reader must not find the secrets either. */
export function redacted(fields: LogFields): LogFields {
  const secret = Object.keys(fields).filter((key) => secretKey.test(key));
  if (secret.length === 0) return fields;
  return { ...fields, ...Object.fromEntries(secret.map((key) => [key, "***"])) };
}

/** One JSON object; a field cannot take the place of time, level or message. */
export function jsonLine({ time, level, message, fields }: LogRecord): string {
  const head = { time: new Date(time).toISOString(), level, message };
  return JSON.stringify({ ...head, ...(plain(fields, []) as object), ...head });
}

const tint: Record<LogLevel, string> = { debug: "90", info: "36", warn: "33", error: "31" };

export function textLine(color: boolean): (record: LogRecord) => string {
  const paint = (code: string, text: string) => (color ? `\x1b[${code}m${text}\x1b[0m` : text);
  return ({ time, level, message, fields }) => {
    const { error, ...rest } = fields;
    const clock = paint("90", new Date(time).toISOString().slice(11, 23));
    const head = `${clock} ${paint(tint[level], level.padEnd(5))} ${printable(message)}`;
    const entries = Object.entries(rest);
    const tail = entries.flatMap(([key, value]) =>
      isBlock(value) ? [] : [` ${paint("90", `${key}=`)}${fieldText(value)}`],
    );
    const blocks = entries.flatMap(([key, value]) =>
      isBlock(value) ? [`\n  ${paint("90", `${key}:`)}\n${indent(indent(blockText(value)))}`] : [],
    );
    return (
      head + tail.join("") + blocks.join("") + ("error" in fields ? `\n${indent(errorLines(error))}` : "")
    );
  };
}

/** Text of several lines, as a Role to apply: read as it is, under the line. */
function isBlock(value: unknown): value is string {
  return typeof value === "string" && value.includes("\n");
}

function blockText(text: string): string {
  return text.trimEnd().split("\n").map(printable).join("\n");
}

function fieldText(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(plain(value, [])) ?? "undefined");
  return /^[\w./:@%+,[\]-]+$/.test(text) ? text : JSON.stringify(text);
}

/** What JSON can hold of a value: no cycle, no secret, nothing that throws. */
function plain(value: unknown, above: readonly object[]): unknown {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "function" || typeof value === "symbol") return String(value);
  if (typeof value !== "object" || value === null) return value;
  if (above.includes(value)) return "[circular]";
  if (above.length === maxDepth) return "[deeper]";
  try {
    return plainObject(value, [...above, value]);
  } catch (error) {
    return `[unreadable: ${error instanceof Error ? error.message : "it threw"}]`;
  }
}

function plainObject(value: object, above: readonly object[]): unknown {
  if (value instanceof Error) return { message: value.message, stack: stackWithCauses(value) };
  if ("toJSON" in value && typeof value.toJSON === "function") return plain(value.toJSON(), above);
  if (Array.isArray(value)) return value.map((item) => plain(item, above));
  const kept = (key: string, inner: unknown): unknown =>
    typeof inner === "string" && secretKey.test(key) ? "***" : plain(inner, above);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, kept(key, inner)]));
}

/** Control characters could forge lines or drive a terminal. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}--\t]/gv, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

function errorLines(error: unknown): string {
  return error instanceof Error ? stackWithCauses(error) : fieldText(error);
}

function stackWithCauses(error: Error): string {
  const parts: string[] = [];
  let next: unknown = error;
  for (let depth = 0; next !== undefined && depth < maxCauses; depth++) {
    parts.push(next instanceof Error ? (next.stack ?? String(next)) : fieldText(next));
    next = next instanceof Error ? next.cause : undefined;
  }
  return parts.join("\ncaused by: ");
}

function indent(text: string): string {
  return text.replace(/^/gm, "  ");
}

/** Log lines: text for people on a terminal, JSON for machines; the last ones kept for `Debug.Log`. */

export const logLevels = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof logLevels)[number];
export type LogFormat = "text" | "json";
export type LogFields = Readonly<Record<string, unknown>>;

export interface LogRecord {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  /** `fields.error` may be an Error: its stack and causes are shown. */
  error(message: string, fields?: LogFields): void;
  /** A log whose lines carry these fields too. */
  with(fields: LogFields): Log;
}

/** How many records are kept for `Debug.Log`. */
export const maxLogRecords = 1024;

export interface LogOptions {
  /** @default "info" */
  level?: LogLevel;
  /** @default "text" */
  format?: LogFormat;
  /** ANSI colours in text. @default false */
  color?: boolean;
  /** Where a line goes (without the newline). */
  write: (line: string) => void;
}

/** The root of all logs, with what was said lately. */
export interface LogSink extends Log {
  readonly records: () => readonly LogRecord[];
  /** Told of each record from now on, until the returned function is called. */
  readonly follow: (told: (record: LogRecord) => void) => () => void;
}

export function createLog(options: LogOptions): LogSink {
  const least = logLevels.indexOf(options.level ?? "info");
  const render = options.format === "json" ? jsonLine : textLine(options.color ?? false);
  const kept: LogRecord[] = [];
  const followers = new Set<(record: LogRecord) => void>();

  const emit = (level: LogLevel, message: string, fields: LogFields): void => {
    if (logLevels.indexOf(level) < least) return;
    const record: LogRecord = { time: Date.now(), level, message, fields: redacted(fields) };
    kept.push(record);
    if (kept.length > maxLogRecords) kept.splice(0, kept.length - maxLogRecords);
    options.write(render(record));
    for (const told of followers) told(record);
  };
  const bound = (own: LogFields): Log => ({
    debug: (message, fields) => emit("debug", message, { ...own, ...fields }),
    info: (message, fields) => emit("info", message, { ...own, ...fields }),
    warn: (message, fields) => emit("warn", message, { ...own, ...fields }),
    error: (message, fields) => emit("error", message, { ...own, ...fields }),
    with: (fields) => bound({ ...own, ...fields }),
  });
  return {
    ...bound({}),
    records: () => kept,
    follow: (told) => {
      followers.add(told);
      return () => followers.delete(told);
    },
  };
}

/** Says nothing; for tests. */
export const silentLog: LogSink = createLog({ write: () => {} });

/** Keys whose values are never written. */
const secretKey = /pass(word|wd)?$|secret|token|authorization|api[-_]?key|private[-_]?key|credential|cookie/i;

function redacted(fields: LogFields): LogFields {
  const secret = Object.keys(fields).filter((key) => secretKey.test(key));
  return secret.length === 0
    ? fields
    : { ...fields, ...Object.fromEntries(secret.map((key) => [key, "***"])) };
}

function jsonLine({ time, level, message, fields }: LogRecord): string {
  return JSON.stringify({ time: new Date(time).toISOString(), level, message, ...fields }, safely);
}

/** A replacer: values nested in a field are looked at too. */
function safely(key: string, value: unknown): unknown {
  return typeof value === "string" && secretKey.test(key) ? "***" : plain(value);
}

function plain(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Error) return { message: value.message, stack: stackWithCauses(value) };
  return value;
}

const tint: Record<LogLevel, string> = { debug: "90", info: "36", warn: "33", error: "31" };

function textLine(color: boolean): (record: LogRecord) => string {
  const paint = (code: string, text: string) => (color ? `\x1b[${code}m${text}\x1b[0m` : text);
  return ({ time, level, message, fields }) => {
    const { error, ...rest } = fields;
    const head = `${paint("90", new Date(time).toISOString().slice(11, 23))} ${paint(tint[level], level.padEnd(5))} ${printable(message)}`;
    const tail = Object.entries(rest).map(([key, value]) => ` ${paint("90", `${key}=`)}${fieldText(value)}`);
    return head + tail.join("") + (error === undefined ? "" : `\n${indent(errorLines(error))}`);
  };
}

function fieldText(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value, safely) ?? "undefined");
  return /^[\w./:@%+,[\]-]+$/.test(text) ? text : JSON.stringify(text);
}

/** Control characters could forge lines or drive a terminal. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}--\t]/gv, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

function errorLines(error: unknown): string {
  return error instanceof Error ? stackWithCauses(error) : fieldText(error);
}

/** How deep a chain of causes is followed. */
const maxCauses = 8;

function stackWithCauses(error: Error): string {
  const parts: string[] = [];
  let next: unknown = error;
  for (let depth = 0; next !== undefined && depth < maxCauses; depth++) {
    parts.push(next instanceof Error ? (next.stack ?? String(next)) : String(next));
    next = next instanceof Error ? next.cause : undefined;
  }
  return parts.join("\ncaused by: ");
}

function indent(text: string): string {
  return text.replace(/^/gm, "  ");
}

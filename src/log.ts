/** Log lines: text for people on a terminal, JSON for machines; the last ones kept for `Debug.Log`. */
import {
  jsonLine,
  type LogFields,
  type LogLevel,
  type LogRecord,
  logLevels,
  redacted,
  textLine,
} from "./log-line.ts";

export { type LogFields, type LogLevel, type LogRecord, logLevels } from "./log-line.ts";

export type LogFormat = "text" | "json";

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
  /** Fields of every line. @default none */
  fields?: LogFields;
  /** Where a line goes (without the newline). */
  write: (line: string) => void;
}

/** The root of all logs, with what was said lately. */
export interface LogSink extends Log {
  readonly records: () => readonly LogRecord[];
  /** The least important lines to write from now on. */
  readonly setLevel: (level: LogLevel) => void;
  /** Told of each record from now on, until the returned function is called. */
  readonly follow: (told: (record: LogRecord) => void) => () => void;
}

export function createLog(options: LogOptions): LogSink {
  let least = logLevels.indexOf(options.level ?? "info");
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
    ...bound(options.fields ?? {}),
    records: () => kept,
    setLevel: (level) => {
      least = logLevels.indexOf(level);
    },
    follow: (told) => {
      followers.add(told);
      return () => followers.delete(told);
    },
  };
}

/** Says nothing; for tests. */
export const silentLog: LogSink = createLog({ write: () => {} });

/** What each option of a middleware must be: told at the start, with what it is. */
import { didYouMean, usageError } from "../errors.ts";
import { maxTimerMs } from "../wait.ts";

export interface Kind {
  readonly wanted: string;
  readonly holds: (value: unknown) => boolean;
}

export type Kinds<T> = { readonly [name in keyof T]-?: Kind };

const isText = (value: unknown): boolean => typeof value === "string" && value !== "";
const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isNumber = (value: unknown, least: number, most: number): boolean =>
  typeof value === "number" && value >= least && value <= most;

type KindName =
  | "text"
  | "texts"
  | "textOrTexts"
  | "textOrBytes"
  | "textOrCallback"
  | "callback"
  | "count"
  | "countOrNone"
  | "rate"
  | "duration"
  | "durations"
  | "period"
  | "seconds";

export const kinds: Readonly<Record<KindName, Kind>> = {
  text: { wanted: "a text", holds: isText },
  texts: {
    wanted: "a list of texts",
    holds: (value) => Array.isArray(value) && value.every(isText),
  },
  textOrTexts: {
    wanted: "a text or a list of texts",
    holds: (value) => isText(value) || (Array.isArray(value) && value.every(isText)),
  },
  textOrBytes: {
    wanted: "a text or bytes",
    holds: (value) => typeof value === "string" || value instanceof Uint8Array,
  },
  count: {
    wanted: "a whole number above 0",
    holds: (value) => Number.isSafeInteger(value) && (value as number) > 0,
  },
  countOrNone: {
    wanted: "a whole number, 0 or above",
    holds: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  },
  rate: { wanted: "a number above 0, 1 at most", holds: (value) => value !== 0 && isNumber(value, 0, 1) },
  duration: { wanted: "a time in ms", holds: (value) => isNumber(value, 0, maxTimerMs) },
  period: { wanted: "a time in ms above 0", holds: (value) => value !== 0 && isNumber(value, 0, maxTimerMs) },
  seconds: { wanted: "a time in seconds", holds: (value) => isNumber(value, 0, maxTimerMs / 1000) },
  durations: {
    wanted: "an object of times in ms",
    holds: (value) => isObject(value) && Object.values(value).every((ms) => isNumber(ms, 0, maxTimerMs)),
  },
  callback: { wanted: "a function", holds: (value) => typeof value === "function" },
  textOrCallback: {
    wanted: "a text or a function",
    holds: (value) => isText(value) || typeof value === "function",
  },
};

/** What is undefined is not said. @throws MicrorunError `invalid_argument` */
export function checkOptions<T extends object>(options: T, table: Kinds<T>): void {
  if (!isObject(options)) throw usageError("its options are no object", "give it an object");
  const names = Object.keys(table);
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(table, name))
      throw usageError(
        `${name}: no such option${didYouMean(name, names)}`,
        `use some of ${names.join(", ")}`,
      );
    const { wanted, holds } = table[name as keyof T];
    // it may be a secret: it is not shown
    if (!holds(value)) throw usageError(`${name} is not ${wanted}`, `make ${name} ${wanted}`);
  }
}

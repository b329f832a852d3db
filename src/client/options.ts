/** Options as a table says them: what no row names is refused, as is a value that makes no sense. */
import { didYouMean, errorText, MicrorunError } from "../errors.ts";

/** What an option may be, in words. */
export interface Kind {
  readonly what: string;
  readonly is: (value: unknown) => boolean;
}

export type Kinds<T> = Readonly<Record<keyof T, Kind>>;

type KindName = "text" | "texts" | "truth" | "count" | "duration" | "signal" | "object";

export const kinds: Readonly<Record<KindName, Kind>> = {
  text: { what: "a text", is: (value) => typeof value === "string" && value !== "" },
  truth: { what: "true or false", is: (value) => typeof value === "boolean" },
  count: {
    what: "a whole number from 0 on",
    is: (value) => Number.isSafeInteger(value) && Number(value) >= 0,
  },
  duration: {
    what: "a number of milliseconds above 0",
    is: (value) => typeof value === "number" && value > 0,
  },
  texts: {
    what: "an object of texts",
    is: (value) => isObject(value) && !Array.isArray(value) && !(Symbol.iterator in value),
  },
  signal: { what: "an AbortSignal", is: (value) => value instanceof AbortSignal },
  object: { what: "an object", is: isObject },
};

/**
 * @param of whose they are: `connect`, `call`
 * @param options undefined values count as absent
 * @throws MicrorunError `invalid_argument`
 */
export function checkOptions<T extends object>(of: string, options: T, table: Kinds<T>): void {
  const refuse = (why: string, hint: string): never => {
    throw new MicrorunError("invalid_argument", `${of}: ${why}`, { hint });
  };
  const names = (): string[] => Object.keys(table);
  if (!isObject(options))
    refuse("its options are no object", `use any of ${names().join(", ")}, or leave them out`);
  for (const name of Object.keys(options) as (keyof T & string)[]) {
    if (!Object.hasOwn(table, name))
      refuse(`unknown option ${name}${didYouMean(name, names())}`, `use ${names().join(", ")}`);
    const value: unknown = options[name];
    const { is, what } = table[name];
    if (value !== undefined && !is(value))
      refuse(`${name} ${shown(value)}: not ${what}`, "see docs/clients.md");
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  try {
    return String(value);
  } catch (error) {
    return errorText(error);
  }
}

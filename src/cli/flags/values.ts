/** Texts become values: a flag beats its variable, that beats the default; each is checked once, here. */
import { parseAddress } from "../../address.ts";
import { didYouMean, errorText, MicrorunError, usageError } from "../../errors.ts";
import { choicesOf, type Flag, type FlagTable, type ListType, type Values, variableOf } from "./flags.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** What flags said, by name; a repeated flag said several things. */
export type Given = ReadonlyMap<string, readonly string[]>;

/** A text and how to name it to whoever wrote it. */
export interface Said {
  /** `--server_address`, `MICRO_SERVER_ADDRESS` or `config server.grpc.addr`. */
  readonly source: string;
  readonly text: string;
  /** `--server_address=:x` */
  readonly label: string;
}

/** What configuration says for flags, by name. */
export type FromConfig = ReadonlyMap<string, Said>;

function said(source: string, text: string): Said {
  return { source, text, label: `${source}=${text}` };
}

/** An empty variable counts as unset. @throws MicrorunError `invalid_argument`, naming the flag, variable or key */
export function readFlags<const T extends FlagTable>(
  table: T,
  given: Given,
  env: Environment,
  fromConfig: FromConfig = new Map(),
): Values<T> {
  const entries = Object.entries(table).map(([name, flag]) => [
    name,
    valueFrom(flag, whatWasSaid(name, flag, given, env, fromConfig)),
  ]);
  return Object.fromEntries(entries);
}

/** A flag or its variable says it. */
export function isTaken(name: string, flag: Flag, given: Given, env: Environment): boolean {
  const variable = variableOf(name, flag);
  return given.has(name) || (variable !== undefined && Boolean(env[variable]));
}

function whatWasSaid(
  name: string,
  flag: Flag,
  given: Given,
  env: Environment,
  fromConfig: FromConfig,
): Said[] {
  const flagTexts = given.get(name);
  if (flagTexts !== undefined) return flagTexts.map((text) => said(`--${name}`, text));
  const variable = variableOf(name, flag);
  const text = variable === undefined ? undefined : env[variable];
  if (variable !== undefined && text) {
    const texts = flag.type === "pairs" ? text.split(",").filter((part) => part.trim() !== "") : [text];
    return texts.map((part) => said(variable, part.trim()));
  }
  const configured = fromConfig.get(name);
  if (configured !== undefined) return [configured];
  const fallback = env.KUBERNETES_SERVICE_HOST ? (flag.inCluster ?? flag.default) : flag.default;
  return fallback === undefined ? [] : [said(`--${name}`, fallback)];
}

function valueFrom(flag: Flag, all: readonly Said[]): unknown {
  if (flag.type === "list") return all.flatMap(parts);
  if (flag.type === "addresses") return all.flatMap(addresses);
  if (flag.type === "sources") return all.flatMap(({ text }) => text.split(/,(?=[a-z]+:)/));
  if (flag.type === "origins") return all.flatMap(origins);
  if (flag.type === "tokens") return all.flatMap(tokens);
  if (flag.type === "pairs") return pairs(all);
  const last = all.at(-1);
  if (last === undefined) return flag.type === "boolean" ? false : undefined;
  return parsers[flag.type](last, flag);
}

const parsers: Record<Exclude<Flag["type"], ListType | "pairs">, (last: Said, flag: Flag) => unknown> = {
  text: ({ text }) => text,
  integer: (last, flag) => atLeast(last, flag, /^\d+$/.test(last.text) ? Number(last.text) : undefined, ""),
  count: (last, flag) =>
    last.text === "auto"
      ? "auto"
      : atLeast(last, flag, /^\d+$/.test(last.text) ? Number(last.text) : undefined, ""),
  boolean: parseBoolean,
  duration: (last, flag) => atLeast(last, flag, milliseconds(last.text), "ms"),
  seconds: (last, flag) => {
    const bare = /^\d+$/.test(last.text);
    return atLeast(last, flag, bare ? Number(last.text) * 1000 : milliseconds(last.text), "ms");
  },
  size: (last, flag) => atLeast(last, flag, bytes(last.text), " bytes"),
  address: ({ source, text }) => {
    try {
      parseAddress(text);
    } catch (error) {
      throw usageError(`${source}: ${errorText(error)}`, MicrorunError.from(error).hint);
    }
    return text;
  },
  choice: ({ label, text }, flag) => {
    const choices = choicesOf(flag);
    if (choices.includes(text)) return text;
    if (flag.compatible) {
      throw usageError(`${label}: has no meaning in microrun`, `use ${choices[0]}`);
    }
    throw usageError(`${label}: not known${didYouMean(text, choices)}`, `use ${alternatives(choices)}`);
  },
};

const forms: Partial<Record<Flag["type"], { what: string; hint: string; most: number }>> = {
  // what has 32 bits on the wire would be another number there
  integer: { what: "a whole number", hint: "write it as 3", most: 2_147_483_647 },
  count: { what: "a whole number", hint: "write it as 4, or auto", most: 1024 },
  // a timer that waits longer fires at once
  duration: { what: "a duration", hint: "write it as 5s, 100ms or 1m30s", most: 2_147_483_647 },
  seconds: { what: "a duration", hint: "write it as 60 (seconds), 90s or 1m30s", most: 2_147_483_647 },
  size: { what: "a size", hint: "write it as 4MiB, 1MB or 4096", most: 2_147_483_647 },
};

function atLeast({ label }: Said, flag: Flag, value: number | undefined, unit: string): number {
  const form = forms[flag.type]!;
  const least = flag.min ?? 0;
  if (value === undefined) throw usageError(`${label}: not ${form.what}`, form.hint);
  if (value < least) throw usageError(`${label}: too little`, `make it at least ${least}${unit}`);
  if (value > form.most) throw usageError(`${label}: too much`, `make it at most ${form.most}${unit}`);
  return value;
}

function parseBoolean({ label, text }: Said): boolean {
  if (/^(true|1|yes|on)$/i.test(text)) return true;
  if (/^(false|0|no|off)$/i.test(text)) return false;
  throw usageError(`${label}: neither true nor false`, "write it as true or false");
}

const durationUnits: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Go's time.ParseDuration without signs. */
function milliseconds(text: string): number | undefined {
  if (text === "0") return 0;
  if (!/^((\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  const parts = [...text.matchAll(/([\d.]+)([a-zµ]+)/g)];
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * durationUnits[unit!]!, 0);
}

/** Both of `4MB` (thousands) and `4MiB`, `4Mi` (1024). */
function bytes(text: string): number | undefined {
  const [, count, prefix = "", binary] = /^(\d+(?:\.\d+)?)\s*(?:([kmg])(i)?)?b?$/i.exec(text) ?? [];
  if (count === undefined) return undefined;
  const power = " kmg".indexOf(prefix.toLowerCase() || " ");
  const value = Number(count) * (binary === undefined ? 1000 : 1024) ** power;
  return Number.isInteger(value) ? value : undefined;
}

function parts({ text }: Said): string[] {
  return text.split(",").filter((part) => part !== "");
}

/** Of another system: a scheme may stand before the host, and its own port is the default. */
function addresses(all: Said): string[] {
  const url = (part: string) =>
    part.includes("://") ? part : `tcp://${part.replace(/^(?=:\d)/, "localhost")}`;
  const wrong = parts(all).find((part) => !URL.canParse(url(part)));
  if (wrong === undefined) return parts(all);
  // with a user there may be a password
  const shown = wrong.includes("@") ? all.source : `${all.source}=${wrong}`;
  throw usageError(`${shown}: not an address`, "write it as host:port");
}

function origins(all: Said): string[] {
  return parts(all).map((part) => origin(part.trim(), all));
}

/** As browsers write it, the port of its scheme left out: what is compared is the text. */
function origin(text: string, all: Said): string {
  if (/^(\*|null)$/i.test(text)) return text.toLowerCase();
  const [, scheme = "", rest = ""] = /^([a-z][a-z\d+.-]*):\/\/(.+?)\/?$/i.exec(text) ?? [];
  const wrong = (why: string): MicrorunError =>
    // with a user there may be a password
    usageError(
      `${all.text.includes("@") ? all.source : all.label}: ${why}`,
      "write it as https://shop.example, or * for any",
    );
  if (rest.includes("@")) throw wrong("an origin names no user");
  if (/[/?#\\]/.test(rest)) throw wrong("an origin has no path");
  if (rest === "" || /[\s*]/.test(rest) || !URL.canParse(text)) throw wrong("not an origin");
  const { origin } = new URL(text);
  // of a scheme that the standard does not know: an app's, an extension's
  return origin === "null" ? `${scheme}://${rest}`.toLowerCase() : origin;
}

/** Names as HTTP has them: of methods, of fields. */
function tokens(all: Said): string[] {
  const found = parts(all).map((part) => part.trim());
  if (found.every((part) => /^[!#$%&'*+.^_`|~\w-]+$/.test(part))) return found;
  throw usageError(`${all.label}: not a name of HTTP`, "separate names by commas");
}

/** A key that is said again stands where it was said last. */
function pairs(all: readonly Said[]): Record<string, string> {
  const last = new Map<string, string>();
  for (const [key, value] of all.map(pair)) {
    last.delete(key);
    last.set(key, value);
  }
  return Object.fromEntries(last);
}

function pair({ source, text }: Said): [string, string] {
  const equals = text.indexOf("=");
  if (equals > 0) return [text.slice(0, equals), text.slice(equals + 1)];
  // no more than a key is told: the rest may be a secret
  const [key = ""] = /^[\w.-]*/.exec(text) ?? [];
  const said = key === text ? key : `${key}…`;
  throw usageError(`${source}=${said}: not a pair`, "write it as key=value");
}

function alternatives(names: readonly string[]): string {
  return names.length < 2 ? names.join() : `one of ${names.join(", ")}`;
}

/** Checks of plain data against what it should be: each takes a value apart or says what is wrong at which path. */
import { didYouMean } from "../errors.ts";
import type { YamlValue } from "../yaml.ts";

export type Path = readonly (string | number)[];

export interface Wrong {
  readonly path: Path;
  readonly why: string;
  /** An order. */
  readonly hint: string;
  /** The key is wrong, not what it stands for. @default false */
  readonly key?: true;
}

/** @param wrong makes the error that is thrown */
export type Shape<T> = (value: YamlValue, path: Path, wrong: (what: Wrong) => Error) => T;

/** A number or a switch is taken as it is written. */
export const text: Shape<string> = (value, path, wrong) => {
  if (value !== null && typeof value !== "object" && value !== "") return String(value);
  throw wrong({ path, why: `${titleOf(path)}: not a text`, hint: "write a text" });
};

export const integer =
  (least: number, most: number): Shape<number> =>
  (value, path, wrong) => {
    if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
    throw wrong({
      path,
      why: `${titleOf(path)}: not a number from ${least} to ${most}`,
      hint: `write a number from ${least} to ${most}`,
    });
  };

export const choice =
  <const T extends string>(of: readonly T[]): Shape<T> =>
  (value, path, wrong) => {
    const found = of.find((one) => one === value);
    if (found !== undefined) return found;
    const meant = typeof value === "string" ? didYouMean(value, of) : "";
    throw wrong({ path, why: `${titleOf(path)}: not known${meant}`, hint: `use ${of.join(" or ")}` });
  };

/** One alone may stand without the list. */
export const listOf =
  <T>(shape: Shape<T>): Shape<readonly T[]> =>
  (value, path, wrong) =>
    Array.isArray(value)
      ? value.map((one: YamlValue, at) => shape(one, [...path, at], wrong))
      : [shape(value, path, wrong)];

export const mapOf =
  <T>(shape: Shape<T>): Shape<Readonly<Record<string, T>>> =>
  (value, path, wrong) =>
    Object.fromEntries(
      Object.entries(mapAt(value, path, wrong)).map(([key, one]) => [key, shape(one, [...path, key], wrong)]),
    );

/** A map of these keys alone; what is not said is absent. */
export const fields =
  <T extends Readonly<Record<string, unknown>>>(
    shapes: { readonly [K in keyof T]: Shape<T[K]> },
  ): Shape<Partial<T>> =>
  (value, path, wrong) => {
    const known = Object.keys(shapes);
    const entries = Object.entries(mapAt(value, path, wrong)).map(([key, one]) => {
      const at = [...path, key];
      if (!Object.hasOwn(shapes, key))
        throw wrong({
          path: at,
          why: `unknown key ${key}${didYouMean(key, known)}`,
          hint: `use ${known.join(", ")}`,
          key: true,
        });
      return [key, shapes[key as keyof T](one, at, wrong)];
    });
    return Object.fromEntries(entries);
  };

function mapAt(
  value: YamlValue,
  path: Path,
  wrong: (what: Wrong) => Error,
): Readonly<Record<string, YamlValue>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Readonly<Record<string, YamlValue>>;
  throw wrong({ path, why: `${titleOf(path)}: not a map`, hint: "write keys and values below it" });
}

/** The last two steps tell enough, the line tells the rest. */
function titleOf(path: Path): string {
  return path.length === 0 ? "the document" : path.slice(-2).join(".");
}

/** Path templates as OpenAPI writes them: each wildcard is a parameter, since no parameter of OpenAPI may hold a slash. */
import type { Binding } from "../rest/rest.ts";

export interface PathParameter {
  readonly name: string;
  /** The field that it is, or is a part of: `book.name`; undefined: of none. */
  readonly field: string | undefined;
  /** It is not the whole of its field. */
  readonly part: boolean;
  /** It may hold slashes, which OpenAPI cannot say. */
  readonly slashes: boolean;
}

export interface ApiPath {
  /** `/v1/shelves/{shelf}:archive` */
  readonly path: string;
  /** The same for paths that differ by names alone, which OpenAPI takes for one. */
  readonly shape: string;
  readonly parameters: readonly PathParameter[];
}

export function apiPath({ template, bound }: Binding): ApiPath {
  const parameters: PathParameter[] = [];
  const name = (wanted: string): string => {
    const taken = (one: string): boolean => parameters.some((other) => other.name === one);
    let free = wanted;
    for (let n = 2; taken(free); n++) free = `${wanted}${n}`;
    return free;
  };
  const parts = template.segments.map((segment, at) => {
    if (typeof segment === "object") return { text: encodeURIComponent(segment.literal), wild: false };
    const index = template.variables.findIndex(({ from, to }) => from <= at && at < to);
    const variable = template.variables[index];
    const field = bound[index]?.map(({ jsonName }) => jsonName).join(".");
    const whole = variable !== undefined && variable.to - variable.from === 1;
    const before = template.segments[at - 1];
    const collection = typeof before === "object" ? singular(before.literal) : "part";
    const own = name(whole ? field! : segment === "**" ? "rest" : collection);
    parameters.push({ name: own, field, part: !whole, slashes: segment === "**" });
    return { text: `{${own}}`, wild: true };
  });
  const end = template.verb && `:${template.verb}`;
  return {
    path: `/${parts.map(({ text }) => text).join("/")}${end}`,
    shape: `/${parts.map(({ text, wild }) => (wild ? "{}" : text)).join("/")}${end}`,
    parameters,
  };
}

/** `shelves` → `shelf`, `entities` → `entity`, `books` → `book`. */
function singular(word: string): string {
  const name = word.replace(/\W/g, "_");
  if (/[^aeiou]ies$/.test(name)) return `${name.slice(0, -3)}y`;
  if (/lves$/.test(name)) return `${name.slice(0, -3)}f`;
  if (/(ss|x|ch|sh)es$/.test(name)) return name.slice(0, -2);
  return name.replace(/([^s])s$/, "$1");
}

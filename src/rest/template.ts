/** The path templates of `google.api.http`, by the grammar in google/api/http.proto. */
import { usageError } from "../errors.ts";
import type { Segment, Template, Variable } from "./rest.ts";

/** How many segments a template may have. */
const maxSegments = 64;

/** `*`, `**`, `{field}`, `{field=segments}` or a text, up to the next slash, the verb or the end. */
const part = /\*\*?|\{([^{}=]*)(?:=([^{}]*))?\}|(?:[\w.~!$&'()+,;=@-]|%[\dA-Fa-f]{2})+/y;
const fieldPath = /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/;

/** @throws MicrorunError `invalid_argument`, naming `where` */
export function parseTemplate(text: string, where: string): Template {
  const refuse = (why: string): never => {
    throw usageError(`${where}: path ${text}: ${why}`, 'write it as in get: "/v1/{name=shelves/*}:archive"');
  };
  const segments: Segment[] = [];
  const variables: Variable[] = [];

  /** @returns where the text goes on */
  const readSegments = (source: string, start: number, inside: boolean): number => {
    for (let at = start; ; at++) {
      // not in the grammar, but Kratos serves it: the path ends with a slash
      if (!inside && at === source.length && segments.length > 0) {
        segments.push({ literal: "" });
        return at;
      }
      part.lastIndex = at;
      const [token, field, own] = part.exec(source) ?? refuse("a segment is empty, or no segment");
      if (field !== undefined) {
        if (inside) refuse(`{${field}} stands within another variable`);
        readVariable(field, own);
      } else segments.push(token === "*" || token === "**" ? token : { literal: literalOf(token!) });
      at += token!.length;
      if (source[at] !== "/") return at;
    }
  };
  const readVariable = (field: string, own = "*"): void => {
    if (!fieldPath.test(field)) refuse(`{${field}} names no field`);
    if (variables.some((other) => other.field === field)) refuse(`{${field}} stands there twice`);
    const from = segments.length;
    if (readSegments(own, 0, true) !== own.length) refuse(`{${field}=${own}} is no list of segments`);
    const to = segments.length;
    variables.push({ field, from, to, several: to - from > 1 || segments[from] === "**" });
  };
  const literalOf = (token: string): string => {
    try {
      return decodeURIComponent(token);
    } catch {
      return refuse(`${token} is not UTF-8`);
    }
  };

  if (!text.startsWith("/")) refuse("it does not begin with /");
  const end = text === "/" ? 1 : readSegments(text, 1, false);
  const [, verb = ""] = /^(?::([\w.~-]+))?$/.exec(text.slice(end)) ?? refuse(`unexpected ${text.slice(end)}`);
  if (segments.length > maxSegments) refuse(`more than ${maxSegments} segments`);
  if (segments.slice(0, -1).includes("**")) refuse("** is not its last segment");
  return { segments, variables, verb };
}

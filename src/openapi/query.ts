/** The query of a request of REST: each field that neither path nor body takes, those of messages within by dotted names. */
import type { Field, JsonSchema, MessageType } from "../call.ts";
import type { Binding, FieldPath } from "../rest/rest.ts";
import type { Schemas } from "./schemas.ts";

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly required?: boolean;
  readonly description?: string;
  readonly deprecated?: boolean;
  readonly schema: object;
  /** Those within it are not percent-encoded. */
  readonly "x-slashes"?: boolean;
}

/** How deep fields within fields are listed. */
const maxDepth = 4;
/** How many are listed of one method. */
const maxParameters = 200;

export function queryParameters({ method, bound, body }: Binding, known: Schemas): Parameter[] {
  if (body === "*") return [];
  const found: Parameter[] = [];
  const list = (type: MessageType, before: FieldPath): void => {
    for (const field of type.fields?.() ?? []) {
      const path = [...before, field];
      if (path[0] === body || found.length >= maxParameters) continue;
      if (bound.some((other) => isSame(other, path))) continue;
      if (field.fromText !== undefined && field.shape !== "map")
        found.push(parameter(path, known.ofField(type, field), known.isRequired(type, field)));
      // a message that holds itself is listed once
      else if (field.message !== undefined && field.shape === "one" && path.length < maxDepth)
        if (!before.some(({ message }) => message === field.message) && field.message !== method.request)
          list(field.message, path);
    }
  };
  list(method.request, []);
  return found;
}

function parameter(path: FieldPath, schema: JsonSchema, required: boolean): Parameter {
  const { description, deprecated, readOnly, writeOnly, ...own } = schema;
  return {
    name: path.map(({ jsonName }) => jsonName).join("."),
    in: "query",
    // one of a message within is needed where that message is
    ...(required && path.length === 1 ? { required } : {}),
    ...(description === undefined ? {} : { description }),
    ...(deprecated === undefined ? {} : { deprecated }),
    schema: own,
  };
}

function isSame(one: readonly Field[], other: readonly Field[]): boolean {
  return one.length === other.length && one.every(({ name }, index) => name === other[index]!.name);
}

/** What protojson takes without a word though something is lost: rounded 64-bit numbers, an Any without its type. */
import protobuf from "protobufjs";
import { invalid } from "./scalar.ts";
import { anyType, isSpecial } from "./well-known.ts";

const maxDepth = 100;

/** @returns what throws `invalid_argument` that names the field; most types have none to look at */
export function jsonCheck(type: protobuf.Type): (json: unknown) => void {
  let loses: boolean | undefined;
  return (json) => {
    loses ??= reaches(type, isLong);
    if (loses) check(type.fullName.slice(1), type, json, 0);
  };
}

/** Every value of a field in the JSON of a message, inner ones first; null is none, a special message is one value. */
export function* fieldValues(
  type: protobuf.Type,
  json: unknown,
  depth = 0,
): Generator<[field: protobuf.Field, value: unknown]> {
  if (typeof json !== "object" || json === null || depth > maxDepth) return;
  for (const [key, value] of Object.entries(json)) {
    const field = type.fieldsArray.find((one) => one.jsonName === key || one.protoName === key);
    if (field === undefined || value === null) continue;
    const items: unknown[] = field.map ? Object.values(value) : field.repeated ? [value].flat() : [value];
    const inner = field.resolvedType;
    for (const item of items) {
      if (inner instanceof protobuf.Type && !isSpecial(inner)) yield* fieldValues(inner, item, depth + 1);
      yield [field, item];
    }
  }
}

function check(name: string, type: protobuf.Type, json: unknown, depth: number): void {
  if (depth > maxDepth) return;
  if (isAny(type)) checkAny(name, type, json, depth);
  if (isSpecial(type)) {
    const { value } = type.fields;
    if (value !== undefined && isLong(value)) checkLong(name, json);
    return;
  }
  for (const [field, value] of fieldValues(type, json)) {
    const inner = field.resolvedType;
    if (isLong(field)) checkLong(field.fullName.slice(1), value);
    else if (inner instanceof protobuf.Type && isSpecial(inner))
      check(field.fullName.slice(1), inner, value, depth + 1);
  }
}

function checkAny(name: string, type: protobuf.Type, json: unknown, depth: number): void {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return;
  const { "@type": url, ...fields } = json as Record<string, unknown>;
  if (url === undefined && Object.keys(fields).length > 0)
    throw invalid(name, '"@type" is missing: it names the message that the other fields are of');
  const inner = typeof url === "string" ? anyType(type.root, url) : undefined;
  if (inner !== undefined) check(name, inner, isSpecial(inner) ? fields.value : fields, depth + 1);
}

/** JSON.parse has rounded it already. */
function checkLong(name: string, value: unknown): void {
  if (typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value))
    throw invalid(name, `${value} is beyond what a JSON number holds exactly: send it as a string`);
}

/** Whether a message may hold such a field, itself or within; an Any may hold whatever there is. */
export function reaches(
  type: protobuf.Type,
  isSought: (field: protobuf.Field) => boolean,
  seen: Set<protobuf.Type> = new Set(),
): boolean {
  if (seen.has(type)) return false;
  seen.add(type);
  if (isAny(type)) return true;
  return type.fieldsArray.some((field) => {
    const inner = field.resolve().resolvedType;
    return inner instanceof protobuf.Type ? reaches(inner, isSought, seen) : isSought(field);
  });
}

export function isAny(type: protobuf.Type): boolean {
  return type.fullName === ".google.protobuf.Any";
}

function isLong(field: protobuf.Field): boolean {
  return field.resolvedType === null && field.type.endsWith("64");
}

/** protojson, with floats and doubles as proto3 has them: floats are short, the largest may be rounded to, -0 is a value. */
import protobuf from "protobufjs";
import protojson from "protobufjs/ext/protojson.js";
import { errorText } from "../../errors.ts";
import { fitsFloat, shortFloat } from "./float-text.ts";
import { isAny, reaches } from "./json-check.ts";
import { anyType, isSpecial } from "./well-known.ts";

const maxDepth = 100;
const maxFloat = 3.4028234663852886e38;

type Value = Record<string, unknown>;
/** @param message what protojson has made of the message that the field is of; undefined of an element, and within an Any */
type Visit = (field: protobuf.Field, holder: Value, key: string, message: Value | undefined) => void;

export interface RealJson {
  /** @throws what protojson throws */
  fromJson(json: unknown): protobuf.Message;
  toJson(message: protobuf.Message): unknown;
}

export function realJson(type: protobuf.Type): RealJson {
  let reals: boolean | undefined;
  let floats: boolean | undefined;
  return {
    fromJson(json) {
      reals ??= reaches(type, isReal);
      if (!reals) return protojson.fromJson(type, json);
      const message = rounded(type, json);
      visitAll(type, json, message as unknown as Value, keepNegative);
      return message;
    },
    toJson(message) {
      floats ??= reaches(type, isFloat);
      const json = protojson.toJson(type, message);
      return floats ? visitAll(type, json, undefined, shorten) : json;
    },
  };
}

/** protojson refuses what is beyond the largest float, though it rounds to it. */
function rounded(type: protobuf.Type, json: unknown): protobuf.Message {
  try {
    return protojson.fromJson(type, json);
  } catch (error) {
    if (!errorText(error).includes("out of range for float")) throw error;
    const copy = visitAll(type, structuredClone(json), undefined, round);
    return protojson.fromJson(type, copy);
  }
}

const round: Visit = (field, holder, key) => {
  const value = holder[key];
  const isText = typeof value === "string" && /^[+-]?[\d.]+(e[+-]?\d+)?$/i.test(value);
  if (!isFloat(field) || !(isText || typeof value === "number")) return;
  const number = Number(value);
  if (Math.abs(number) > maxFloat && fitsFloat(number)) holder[key] = Math.fround(number);
};

const shorten: Visit = (field, holder, key) => {
  const value = holder[key];
  if (isFloat(field) && typeof value === "number") holder[key] = shortFloat(value);
};

/** protojson takes -0 for unset where a field has no presence. */
const keepNegative: Visit = (field, holder, key, message) => {
  const value = holder[key];
  if (message === undefined) return;
  if ((typeof value === "number" || typeof value === "string") && Object.is(Number(value), -0))
    message[field.name] = -0;
};

/** @returns the JSON, which `visit` may have changed in place */
function visitAll(type: protobuf.Type, json: unknown, message: Value | undefined, visit: Visit): unknown {
  const holder: Value = { json };
  visitMessage(type, holder, "json", message, visit, 0);
  return holder.json;
}

function visitMessage(
  type: protobuf.Type,
  holder: Value,
  at: string,
  message: Value | undefined,
  visit: Visit,
  depth: number,
): void {
  const json = holder[at];
  if (depth > maxDepth) return;
  if (isSpecial(type)) {
    const { value } = type.fields;
    if (isAny(type)) visitAny(type, json, visit, depth);
    else if (value !== undefined && isReal(value)) visit(value, holder, at, message);
    return;
  }
  if (!isObject(json)) return;
  for (const field of type.fieldsArray) {
    const inner = field.resolve().resolvedType;
    const isMessage = inner instanceof protobuf.Type;
    if (!isMessage && !isReal(field)) continue;
    const key =
      field.jsonName !== null && Object.hasOwn(json, field.jsonName) ? field.jsonName : field.protoName;
    const value = json[key];
    if (value === undefined || value === null) continue;
    const made = message?.[field.name];
    if (!field.map && !field.repeated) {
      if (isMessage) visitMessage(inner, json, key, made as Value, visit, depth + 1);
      else visit(field, json, key, message);
    } else if (isObject(value)) {
      for (const item of Object.keys(value))
        if (isMessage)
          visitMessage(inner, value, item, (made as Value | undefined)?.[item] as Value, visit, depth + 1);
        else visit(field, value, item, undefined);
    }
  }
}

function visitAny(type: protobuf.Type, json: unknown, visit: Visit, depth: number): void {
  const url = isObject(json) ? json["@type"] : undefined;
  const inner = typeof url === "string" ? anyType(type.root, url) : undefined;
  if (inner === undefined) return;
  if (isSpecial(inner)) visitMessage(inner, json as Value, "value", undefined, visit, depth + 1);
  else visitMessage(inner, { json }, "json", undefined, visit, depth + 1);
}

/** An array, too. */
function isObject(json: unknown): json is Value {
  return typeof json === "object" && json !== null;
}

function isFloat({ type }: protobuf.Field): boolean {
  return type === "float";
}

function isReal({ type }: protobuf.Field): boolean {
  return type === "float" || type === "double";
}

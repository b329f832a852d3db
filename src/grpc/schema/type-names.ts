/** How protobuf's types are written in TypeScript: scalars, well-known types, and the names of messages and enums. */
import protobuf from "protobufjs";
import { isSpecial } from "./well-known.ts";

/** A message as a handler gets it, as one may give it, and as JSON. */
export type Form = "got" | "given" | "json";
export const forms: readonly Form[] = ["got", "given", "json"];

type Texts = Readonly<Record<Form, string>>;

const same = (text: string): Texts => ({ got: text, given: text, json: text });
const long: Texts = { got: "bigint", given: "bigint | number | string", json: "string" };
const bytes: Texts = { got: "Uint8Array", given: "Uint8Array | string", json: "string" };

function scalarText(type: string): Texts | undefined {
  if (type === "string") return same("string");
  if (type === "bool") return same("boolean");
  if (type === "bytes") return bytes;
  if (/^(s?fixed|u?int|sint)64$/.test(type)) return long;
  return /^((s?fixed|u?int|sint)32|float|double)$/.test(type) ? same("number") : undefined;
}

const time: Omit<Texts, "given"> = { got: "{ seconds: bigint; nanos: number }", json: "string" };
const parts = "{ seconds?: bigint | number | string; nanos?: number }";

const special: Readonly<Record<string, Texts>> = {
  Timestamp: { ...time, given: `Date | string | ${parts}` },
  Duration: { ...time, given: `string | ${parts}` },
  FieldMask: { got: "{ paths: string[] }", given: "string | { paths: string[] }", json: "string" },
  Struct: same("Record<string, JsonValue>"),
  ListValue: same("JsonValue[]"),
  Value: same("JsonValue"),
  Any: {
    got: "AnyMessage | { typeUrl: string; value: Uint8Array }",
    given: "AnyMessage | { typeUrl: string; value: Uint8Array }",
    json: "AnyMessage",
  },
};

/** The text of a type that needs no declaration of its own. */
export function typeText(type: protobuf.ReflectionObject, form: Form): string | undefined {
  if (!(type instanceof protobuf.Type) || !isSpecial(type)) return undefined;
  return special[type.name]?.[form] ?? scalarText(type.fields.value?.type ?? "")?.[form];
}

const helpers: Readonly<Record<string, string>> = {
  JsonValue:
    "export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };",
  AnyMessage: 'export type AnyMessage = { "@type": string; [field: string]: unknown };',
};

const suffix: Readonly<Record<Form, string>> = { got: "", given: "Init", json: "Json" };

/** What the generated file itself, or the language, calls by these names. */
const taken = [
  "CallOptions",
  "Context",
  "Definition",
  "Handlers",
  "Module",
  "JsonValue",
  "AnyMessage",
  "AsyncIterable",
  "Date",
  "Promise",
  "Record",
  "Uint8Array",
  "Map",
  "String",
  "Number",
  "Object",
  "Array",
];

export interface TypeNames {
  of(type: protobuf.ReflectionObject, form?: Form): string;
  /** The type of a field's value, or of one of its values. */
  text(field: protobuf.Field, form: Form): string;
  message(type: protobuf.Type, form: Form): string;
  /** A name that nothing else has. */
  unique(name: string): string;
  /** Declarations of the helpers that were used. Ask last. */
  prelude(): string[];
}

/** `Order.Line` is `Order_Line`; the package comes before it only where two would have one name. */
export function nameTypes(types: readonly protobuf.ReflectionObject[]): TypeNames {
  const used = new Set(taken);
  const names = new Map<protobuf.ReflectionObject, string>();
  const wanted = new Set<string>();
  const unique = (name: string): string => {
    let free = name;
    while (forms.some((form) => used.has(free + suffix[form]))) free += "_";
    for (const form of forms) used.add(free + suffix[form]);
    return free;
  };
  const local = (type: protobuf.ReflectionObject): string => {
    const above = type.parent;
    return above instanceof protobuf.Type ? `${local(above)}_${type.name}` : type.name;
  };
  for (const type of types) {
    const short = local(type);
    const clash = types.some((other) => other !== type && local(other) === short);
    names.set(type, unique(clash ? type.fullName.slice(1).replaceAll(".", "_") : short));
  }
  const message = (type: protobuf.ReflectionObject, form: Form): string => {
    const text = typeText(type, form);
    if (text === undefined) return `${names.get(type)}${type instanceof protobuf.Enum ? "" : suffix[form]}`;
    for (const helper of Object.keys(helpers)) if (text.includes(helper)) wanted.add(helper);
    return text;
  };
  return {
    of: (type, form = "got") => `${names.get(type)}${suffix[form]}`,
    text(field, form) {
      const type = field.resolvedType;
      if (type === null) return scalarText(field.type)?.[form] ?? "unknown";
      return type instanceof protobuf.Enum && form === "given"
        ? `${message(type, form)} | number`
        : message(type, form);
    },
    message,
    unique,
    prelude: () => [...wanted].map((helper) => helpers[helper]!),
  };
}

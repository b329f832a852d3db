/** The schemas of a description, each once under its message's name, whoever refers to it. */
import type { Field, JsonSchema, MessageType } from "../call.ts";

export interface Schemas {
  /** Of a message; `{}` where it has no schema. @param except fields of it that are sent elsewhere, by their names in JSON */
  of(type: MessageType, except?: readonly string[]): object;
  /** Of a message's field. */
  ofField(type: MessageType, field: Field): JsonSchema;
  /** Under a name of its own. */
  named(name: string, schema: object): object;
  /** Whether the field has to be there. */
  isRequired(type: MessageType, field: Field): boolean;
  /** Those that `description` refers to, and those that they refer to. */
  usedBy(description: object): Record<string, object>;
}

const reference = /"\$ref":"#\/components\/schemas\/([^"]+)"/g;

/** @param replies what is replied: proto3 JSON leaves out defaults, so that nothing is sure to be there in what they reach */
export function createSchemas(replies: Iterable<MessageType> = []): Schemas {
  const components: Record<string, object> = {};
  let replied: Set<string> | undefined;
  const isReplied = (name: string): boolean => {
    replied ??= new Set([...replies].flatMap((type) => Object.keys(type.schema?.().$defs ?? {})));
    return replied.has(name);
  };
  const addAll = ({ $defs = {} }: JsonSchema): void => {
    for (const [name, { required, ...schema }] of Object.entries($defs))
      components[name] ??= componentOf(
        required === undefined || isReplied(name) ? schema : { ...schema, required },
      );
  };
  return {
    of(type, except = []) {
      const schema = type.schema?.();
      if (schema === undefined) return {};
      addAll(schema);
      const whole = schema.$defs?.[type.name];
      return whole === undefined || except.length === 0 ? moved(schema) : componentOf(without(whole, except));
    },
    ofField(type, { jsonName }) {
      const schema = type.schema?.() ?? {};
      addAll(schema);
      return moved(schema.$defs?.[type.name]?.properties?.[jsonName] ?? {});
    },
    named(name, schema) {
      components[name] ??= schema;
      return { $ref: `#/components/schemas/${name}` };
    },
    isRequired: (type, { jsonName }) =>
      type.schema?.().$defs?.[type.name]?.required?.includes(jsonName) ?? false,
    usedBy(description) {
      const used = new Set<string>();
      const follow = (value: object): void => {
        for (const [, name = ""] of JSON.stringify(value).matchAll(reference)) {
          if (used.has(name)) continue;
          used.add(name);
          follow(components[name] ?? {});
        }
      };
      follow(description);
      return Object.fromEntries([...used].sort().map((name) => [name, components[name] ?? {}]));
    },
  };
}

function without({ required = [], ...schema }: JsonSchema, except: readonly string[]): JsonSchema {
  const kept = Object.entries(schema.properties ?? {}).filter(([name]) => !except.includes(name));
  const needed = required.filter((name) => !except.includes(name));
  return {
    ...schema,
    properties: Object.fromEntries(kept),
    ...(needed.length === 0 ? {} : { required: needed }),
  };
}

/** Of the fields of a oneof one may be there: said in words, since generators make no type of a `oneOf` beside properties. */
function componentOf(schema: JsonSchema): object {
  const groups = new Map<string, string[]>();
  for (const [name, { "x-oneof": group }] of Object.entries(schema.properties ?? {}))
    if (group !== undefined) groups.set(group, [...(groups.get(group) ?? []), name]);
  const choices = [...groups.values()].filter(({ length }) => length > 1);
  if (choices.length === 0) return moved(schema);
  const words = choices.map((names) => `At most one of ${names.join(", ")}.`);
  return { ...moved(schema), description: [schema.description ?? [], ...words].flat().join("\n\n") };
}

/** The same without definitions of its own: what it refers to stands among the components. */
function moved(schema: JsonSchema): JsonSchema {
  const { $defs, $ref, properties, items, additionalProperties, ...rest } = schema;
  return {
    ...rest,
    ...($ref === undefined ? {} : { $ref: $ref.replace("#/$defs/", "#/components/schemas/") }),
    ...(items === undefined ? {} : { items: moved(items) }),
    ...(additionalProperties === undefined ? {} : { additionalProperties: moved(additionalProperties) }),
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(Object.entries(properties).map(([key, one]) => [key, moved(one)])),
        }),
  };
}

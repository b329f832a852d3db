/** `.proto` files → TypeScript: what handlers get and may give, and how typed calls of these services look. */
import { basename } from "node:path";
import protobuf from "protobufjs";
import { ownFields } from "./proto-links.ts";
import { loadSchema, type ProtoSchema } from "./schema.ts";
import { type Form, forms, nameTypes, type TypeNames, typeText } from "./type-names.ts";

/** The text of `greeter.types.ts`, from `.proto` files as `loadSchema` takes them. */
export async function protoTypes(paths: readonly string[]): Promise<string> {
  return schemaTypes(await loadSchema(paths), paths.map((path) => basename(path)).join(", "));
}

/** @param title the files' names, for the first line */
export function schemaTypes(schema: ProtoSchema, title: string): string {
  const services = [...schema.services.keys()].map((name) => schema.root.lookupService(`.${name}`));
  const needed = reach(schema, services);
  const names = nameTypes([...new Set([...forms.flatMap((form) => [...needed[form]])])]);
  const bodies = [
    ...[...new Set(forms.flatMap((form) => [...needed[form]]))].flatMap((type) =>
      type instanceof protobuf.Enum
        ? [enumType(type, names)]
        : forms
            .filter((form) => needed[form].has(type))
            .map((form) => messageInterface(type as protobuf.Type, form, names)),
    ),
    ...(services.length === 0 ? [] : [handlers(services, names)]),
    ...services.map((service) => client(service, names)),
  ];
  const head = [`/** Types of ${title}, written by \`microrun types\`: edits are lost. */`];
  if (services.length > 0) head.push('import type { CallOptions, Context, Definition } from "microrun";');
  return `${[head.join("\n"), ...names.prelude(), ...bodies].join("\n\n")}\n`;
}

type Reached = Record<Form, Set<protobuf.ReflectionObject>>;

/** Which messages are needed in which form: requests as they are got, replies as they are given, both as JSON. */
function reach(schema: ProtoSchema, services: readonly protobuf.Service[]): Reached {
  const reached: Reached = { got: new Set(), given: new Set(), json: new Set() };
  const visit = (type: protobuf.ReflectionObject | null, form: Form): void => {
    if (type === null || reached[form].has(type) || typeText(type, form) !== undefined) return;
    reached[form].add(type);
    if (type instanceof protobuf.Type) for (const field of ownFields(type)) visit(field.resolvedType, form);
  };
  for (const service of services) {
    for (const method of service.methodsArray) {
      visit(method.resolvedRequestType, "got");
      visit(method.resolvedResponseType, "given");
      for (const type of [method.resolvedRequestType, method.resolvedResponseType]) visit(type, "json");
    }
  }
  if (services.length > 0) return reached;
  const asked = new Set(schema.sources.filter((file) => file.root).map((file) => file.name));
  const all = (space: protobuf.NamespaceBase): void => {
    for (const object of space.nestedArray) {
      if (object instanceof protobuf.Type && asked.has(object.filename ?? ""))
        for (const form of forms) visit(object, form);
      if (object instanceof protobuf.Namespace) all(object);
    }
  };
  all(schema.root);
  return reached;
}

function enumType(type: protobuf.Enum, names: TypeNames): string {
  const values = Object.keys(type.values).map((name) => JSON.stringify(name));
  return `/** ${type.fullName.slice(1)} */\nexport type ${names.of(type)} = ${values.join(" | ")};`;
}

const says: Record<Form, string> = {
  got: "as a handler gets it",
  given: "as a handler may give it",
  json: "as JSON, the form of a call's request and reply",
};

function messageInterface(type: protobuf.Type, form: Form, names: TypeNames): string {
  const fields = ownFields(type).map((field) => {
    const inner = names.text(field, form);
    const many = field.repeated ? `${/[ |]/.test(inner) ? `(${inner})` : inner}[]` : inner;
    const text = field.map ? `Record<string, ${inner}>` : many;
    const always = field.required || (form === "got" && isAlwaysThere(field));
    const key = field.jsonName ?? field.name;
    const shown = /^[A-Za-z_$][\w$]*$/.test(key) ? key : JSON.stringify(key);
    // To tsc every object has a `constructor` and a `toString`, and they would never fit.
    const optional = form === "got" ? text : key in Object.prototype ? "unknown" : `${text} | undefined`;
    return `  ${shown}${always ? "" : "?"}: ${always ? text : optional};`;
  });
  const head = `/** ${type.fullName.slice(1)} ${says[form]}. */\n`;
  if (fields.length === 0) return `${head}export type ${names.of(type, form)} = Record<string, never>;`;
  return `${head}export interface ${names.of(type, form)} {\n${fields.join("\n")}\n}`;
}

function isAlwaysThere(field: protobuf.Field): boolean {
  return field.repeated || field.map || !(field.hasPresence || field.resolvedType instanceof protobuf.Type);
}

function handlers(services: readonly protobuf.Service[], names: TypeNames): string {
  const blocks = services.map((service) => {
    const methods = service.methodsArray.map((method) => {
      const got = names.message(method.resolvedRequestType!, "got");
      const given = names.message(method.resolvedResponseType!, "given");
      const request = method.requestStream ? `AsyncIterable<${got}>` : got;
      const reply = method.responseStream
        ? `AsyncIterable<${given}>`
        : `${given} | Promise<${given}>${orNothing(method)}`;
      return `    readonly ${method.name}: (request: ${request}, context: Context) => ${reply};`;
    });
    return `  readonly ${keyOf(service, services)}: {\n${methods.join("\n")}\n  };`;
  });
  return [
    "/** Handlers of all methods: `export default { … } satisfies Handlers`. */",
    `export interface Handlers {\n${blocks.join("\n")}\n}`,
    "",
    "/** The whole module: `export default service({ handlers: { … } } satisfies Module)`. */",
    "export type Module = Definition & { readonly handlers: Handlers };",
  ].join("\n");
}

/** A reply without fields need not be returned. */
function orNothing(method: protobuf.Method): string {
  return method.resolvedResponseType?.fieldsArray.length === 0 ? " | void | Promise<void>" : "";
}

/** A service goes by its own name, unless another package has one of the same. */
function keyOf(service: protobuf.Service, services: readonly protobuf.Service[]): string {
  const alone = services.every((other) => other === service || other.name !== service.name);
  return alone ? service.name : JSON.stringify(service.fullName.slice(1));
}

function client(service: protobuf.Service, names: TypeNames): string {
  const calls = service.methodsArray.map((method) => {
    const request = names.message(method.resolvedRequestType!, "json");
    const reply = names.message(method.resolvedResponseType!, "json");
    const endpoint = [`${service.name}.${method.name}`, `${service.fullName.slice(1)}.${method.name}`];
    const endpoints = [...new Set(endpoint)].map((text) => JSON.stringify(text)).join(" | ");
    const streams = method.requestStream === true || method.responseStream === true;
    return `  ${streams ? "stream" : "call"}(
    service: string,
    endpoint: ${endpoints},
    request: ${method.requestStream ? `AsyncIterable<${request}>` : request},
    options?: CallOptions,
  ): ${streams ? "AsyncIterable" : "Promise"}<${reply}>;`;
  });
  const name = names.unique(`${service.name}Client`);
  return `/** Calls of ${service.fullName.slice(1)}, typed: \`const client: ${name} = context.client\`. */\nexport interface ${name} {\n${calls.join("\n")}\n}`;
}

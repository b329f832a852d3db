/** Services as users write them (objects of functions, classes, instances) → Handlers. */
import { MicrorunError } from "../errors.ts";
import type { Handler, Handlers } from "./service.ts";

type Methods = Readonly<Record<string, Handler>>;
// biome-ignore lint/complexity/noBannedTypes: any function a user may have written
type AnyFunction = Function;
type Class = new () => object;

export const example = "export default { Greeter: { Hello: (request) => ({ … }) } }";

/** @throws MicrorunError `failed_precondition` where a leaf is no function, or a name is not one */
export function servicesIn(object: object): Handlers {
  const entries = Object.entries(object);
  if (entries.length === 0) throw wrong("it exports an empty object", `put a service in it:  ${example}`);
  return Object.fromEntries(
    entries.map(([name, value]) => {
      checkName("service", name, /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/);
      if (isClass(value)) return [name, methodsOf(name, new value())];
      if (typeof value === "object" && value !== null && !Array.isArray(value))
        return [name, methodsOf(name, value)];
      const hint =
        typeof value === "function"
          ? `put it in a service:  export default { Greeter: { ${name} } }`
          : `write it so:  ${example}`;
      throw wrong(`${name} is ${kindOf(value)}, not an object of methods`, hint);
    }),
  );
}

/** Classes (constructed without arguments) and instances, each named by its class. */
export function servicesOf(values: readonly unknown[]): Handlers {
  if (values.length === 0) throw wrong("it exports an empty array", "put an instance of a class in it");
  const services: Record<string, Methods> = {};
  for (const value of values) {
    const instance = isClass(value) ? new value() : value;
    if (typeof instance !== "object" || instance === null || isPlain(instance)) {
      throw wrong(
        `it exports an array with ${kindOf(value)}, not with classes or their instances`,
        `write it so:  ${example}`,
      );
    }
    const name = instance.constructor.name;
    if (name === "" || name === "default")
      throw wrong("the class it exports has no name", "name it: the service is called so");
    if (Object.hasOwn(services, name))
      throw wrong(`it exports two classes named ${name}`, "rename one of them");
    services[name] = methodsOf(name, instance);
  }
  return services;
}

export function isClass(value: unknown): value is Class {
  if (typeof value !== "function") return false;
  const prototype = Object.getOwnPropertyDescriptor(value, "prototype");
  return prototype !== undefined && !prototype.writable;
}

export function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** `a string`, `an array`: as a sentence needs it. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "an array";
  if (value instanceof Promise) return "a promise";
  if (isClass(value)) return "a class";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

export function wrong(why: string, hint: string): MicrorunError {
  return new MicrorunError("failed_precondition", why, { hint });
}

/** Names that begin with `_` are the service's own business, as are `#private` ones and a class's fields and accessors. */
function methodsOf(service: string, object: object): Methods {
  const plain = isPlain(object);
  const methods: Record<string, Handler> = {};
  for (const [name, value] of plain ? Object.entries(object) : inherited(object)) {
    if (name.startsWith("_")) continue;
    if (typeof value !== "function" || isClass(value)) {
      if (!plain) continue;
      throw wrong(
        `${service}.${name} is ${kindOf(value)}, not a function`,
        `make it a function, or rename it to _${name}`,
      );
    }
    checkName("method", name, /^[A-Za-z]\w*$/, `${service}.`);
    methods[name] ??= value.bind(object);
  }
  if (Object.keys(methods).length === 0) throw wrong(`${service} has no methods`, `give it one:  ${example}`);
  return methods;
}

/** Own properties first, then the prototypes', the nearest first. */
function inherited(object: object): [string, unknown][] {
  const entries: [string, unknown][] = [];
  for (
    let level = object;
    level !== null && Object.getPrototypeOf(level) !== null;
    level = Object.getPrototypeOf(level)
  ) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(level))) {
      if (name !== "constructor") entries.push([name, value as AnyFunction]);
    }
  }
  return entries;
}

function checkName(what: string, name: string, pattern: RegExp, prefix = ""): void {
  if (!pattern.test(name))
    throw wrong(`${what} ${prefix}${JSON.stringify(name)}: not a name`, "use letters, digits and _");
}

/** Services as users write them (objects of functions, classes, instances) → Handlers. */
import { EventEmitter } from "node:events";
import { MicrorunError } from "../errors.ts";
import type { Handler, Handlers } from "./service.ts";

type Methods = Readonly<Record<string, Handler>>;
type Class = new () => object;

export const example = "export default { Greeter: { Hello: (request) => ({ … }) } }";

/** @throws MicrorunError `invalid_argument` where a leaf is no function, or a name is not one */
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
    const { name } = instance.constructor;
    if (isBuiltIn(instance.constructor))
      throw wrong(`it exports a ${name}, not a service`, `write it so:  ${example}`);
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
  return new MicrorunError("invalid_argument", why, { hint });
}

/** Names that begin with `_` are the service's own business, as are `#private` ones and a class's fields and accessors. */
function methodsOf(service: string, object: object): Methods {
  const plain = isPlain(object);
  const methods: Record<string, Handler> = Object.create(null);
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

/** Own properties first, then those of the user's own prototypes, the nearest first. */
function inherited(object: object): [string, unknown][] {
  const entries: [string, unknown][] = [];
  for (let level = object; level !== null; level = Object.getPrototypeOf(level)) {
    const properties = Object.entries(Object.getOwnPropertyDescriptors(level));
    if (properties.some(([name, { value }]) => name === "constructor" && isBuiltIn(value))) break;
    for (const [name, { value }] of properties) {
      if (name !== "constructor") entries.push([name, value]);
    }
  }
  return entries;
}

/** What a class of the user's may extend; its methods are not meant for the network. */
function isBuiltIn(made: unknown): boolean {
  if (typeof made !== "function") return false;
  const isNative = /\{\s*\[native code\]\s*\}$/.test(Function.prototype.toString.call(made));
  return isNative || made === EventEmitter || Reflect.get(globalThis, made.name) === made;
}

function checkName(what: string, name: string, pattern: RegExp, prefix = ""): void {
  if (!pattern.test(name))
    throw wrong(`${what} ${prefix}${JSON.stringify(name)}: not a name`, "use letters, digits and _");
}

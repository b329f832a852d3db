/** Puts a service together: the user's handlers bound to the methods of their schema, and the runtime's own endpoints beside them. */

import { jsonMethod } from "../call.ts";
import { didYouMean, type MicrorunError, usageError } from "../errors.ts";
import type { Endpoint, Handler, Handlers, Identity, Schema, Service } from "./service.ts";

/** Some endpoints and the schemas behind them. */
export interface Part {
  readonly endpoints: readonly Endpoint[];
  readonly schemas: readonly Schema[];
}

/** Where two services share the text after their last dot, the first part's wins a call that names neither exactly. */
export function composeService(identity: Identity, parts: readonly Part[]): Service {
  const endpoints = parts.flatMap((part) => part.endpoints);
  const exact = new Map<string, Map<string, Endpoint>>();
  const byLastSegment = new Map<string, Map<string, Endpoint>>();
  for (const endpoint of endpoints) {
    const { service, name } = endpoint.method;
    let methods = exact.get(service);
    if (methods === undefined) {
      methods = new Map();
      exact.set(service, methods);
      const last = lastSegment(service);
      if (!byLastSegment.has(last)) byLastSegment.set(last, methods);
    }
    methods.set(name, endpoint);
  }
  const methodsOf = (service: string) => exact.get(service) ?? byLastSegment.get(lastSegment(service));
  return {
    ...identity,
    endpoints,
    schemas: parts.flatMap((part) => part.schemas),
    find: (service, method) => methodsOf(service)?.get(method),
    has: (service) => methodsOf(service) !== undefined,
  };
}

/**
 * The user's own part. With a schema, it says which methods there are and each handler must be one of them; a service of it
 * without any handler is another's, which the module calls. Without a schema every handler is a JSON method that streams its
 * reply if it is a generator function.
 * @throws MicrorunError `invalid_argument` for a handler that the schema does not know
 */
export function bindHandlers(handlers: Handlers, schema: Schema | undefined): Part {
  if (schema === undefined) return { endpoints: withoutSchema(handlers), schemas: [] };
  refuseUnknown(handlers, schema);
  const endpoints = [...schema.services].flatMap(([name, methods]) => {
    const key = keyOf(handlers, name);
    if (key === undefined) return [];
    return methods.map((method): Endpoint => {
      const handler = handlerOf(handlers[key], method.name);
      return { method, handler, internal: false };
    });
  });
  return { endpoints, schemas: [schema] };
}

function withoutSchema(handlers: Handlers): Endpoint[] {
  return Object.entries(handlers).flatMap(([service, methods]) =>
    Object.entries(methods).map(([name, handler]): Endpoint => {
      const method = jsonMethod(service, name, { responseStream: isGenerator(handler) });
      return { method, handler, internal: false };
    }),
  );
}

/** Services may be keyed by full name or by the last segment alone. */
function keyOf(handlers: Handlers, service: string): string | undefined {
  return [service, lastSegment(service)].find((key) => Object.hasOwn(handlers, key));
}

/** `Hello`, or `hello` as TypeScript people write it. */
function handlerOf(methods: Handlers[string] | undefined, name: string): Handler | undefined {
  const key = [name, lowerFirst(name)].find((key) => Object.hasOwn(methods ?? {}, key));
  return key === undefined ? undefined : methods?.[key];
}

/** A key of a last segment alone stands for every service that ends so. */
function refuseUnknown(handlers: Handlers, schema: Schema): void {
  const services = [...schema.services.keys()];
  for (const [key, methods] of Object.entries(handlers)) {
    const own = services.filter((service) => keyOf(handlers, service) === key);
    if (own.length === 0) throw unknownService(key, handlers, schema);
    const known = own.flatMap((service) => schema.services.get(service)!.map(({ name }) => name));
    for (const name of Object.keys(methods)) {
      if (known.some((method) => method === name || lowerFirst(method) === name)) continue;
      throw usageError(
        `handler ${key}.${name}: service ${own.join(", ")} has no such method${didYouMean(name, known)}`,
        `add rpc ${name} to the .proto, or remove the handler`,
      );
    }
  }
}

function unknownService(key: string, handlers: Handlers, schema: Schema): MicrorunError {
  const free = [...schema.services.keys()].filter((service) => keyOf(handlers, service) === undefined);
  const methods = Object.keys(handlers[key]!).map((name) => `${lastSegment(key)}.${name}`);
  const elsewhere = schema
    .files()
    .find(({ symbols }) =>
      symbols.some((symbol) => methods.some((method) => `.${symbol}`.endsWith(`.${method}`))),
    );
  const rename = free.length === 0 ? "" : `, or rename it to one of ${free.join(", ")}`;
  return usageError(
    `handler ${key}: no such service in the .proto${didYouMean(key, free.map(lastSegment))}`,
    elsewhere === undefined
      ? `declare it there${rename}`
      : `name ${elsewhere.name}, which declares it, in proto too`,
  );
}

function isGenerator(handler: Handler): boolean {
  return /GeneratorFunction$/.test(Object.prototype.toString.call(handler).slice(8, -1));
}

function lastSegment(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}

function lowerFirst(name: string): string {
  return name.slice(0, 1).toLowerCase() + name.slice(1);
}

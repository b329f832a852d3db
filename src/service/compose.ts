/** Puts a service together: the user's handlers bound to the methods of their schema, and the runtime's own endpoints beside them. */

import { jsonMethod } from "../call.ts";
import { type Code, didYouMean, MicrorunError } from "../errors.ts";
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
 * The user's own part. With a schema, it says which methods there are and each handler must be one of them; without one,
 * every handler is a JSON method that streams its reply if it is a generator function.
 * @throws MicrorunError `invalid_argument` for a handler that the schema does not know
 */
export function bindHandlers(handlers: Handlers, schema: Schema | undefined): Part {
  if (schema === undefined || schema.services.size === 0)
    return { endpoints: withoutSchema(handlers), schemas: [] };
  const taken = new Map([...schema.services.keys()].map((name) => [name, handlersOf(handlers, name)]));
  refuseUnknown(handlers, schema);
  const endpoints = [...schema.services].flatMap(([name, methods]) =>
    methods.map(
      (method): Endpoint => ({
        method,
        handler: handlerOf(taken.get(name) ?? {}, method.name),
        internal: false,
      }),
    ),
  );
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
function handlersOf(handlers: Handlers, service: string): Readonly<Record<string, Handler>> | undefined {
  return handlers[service] ?? handlers[lastSegment(service)];
}

/** `Hello`, or `hello` as TypeScript people write it. */
function handlerOf(methods: Readonly<Record<string, Handler>>, name: string): Handler | undefined {
  return Object.hasOwn(methods, name) ? methods[name] : methods[lowerFirst(name)];
}

function refuseUnknown(handlers: Handlers, schema: Schema): void {
  const services = [...schema.services.keys()];
  for (const [key, methods] of Object.entries(handlers)) {
    const service = services.find((name) => name === key || lastSegment(name) === key);
    if (service === undefined) {
      throw asked(
        "invalid_argument",
        `handler ${key}: no such service in the .proto${didYouMean(key, services.map(lastSegment))}`,
        `declare it, or rename it to one of ${services.join(", ")}`,
      );
    }
    const known = (schema.services.get(service) ?? []).map((method) => method.name);
    for (const name of Object.keys(methods)) {
      if (known.includes(name) || known.some((method) => lowerFirst(method) === name)) continue;
      throw asked(
        "invalid_argument",
        `handler ${key}.${name}: service ${service} has no such method${didYouMean(name, known)}`,
        `add rpc ${name} to the .proto, or remove the handler`,
      );
    }
  }
}

function asked(code: Code, message: string, hint: string): MicrorunError {
  return new MicrorunError(code, message, { hint });
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

/** The OpenAPI 3.1 description of a service (spec.openapis.org/oas/v3.1): made of its schema, by its rules of REST. */
import type { Method } from "../call.ts";
import type { Binding } from "../rest/rest.ts";
import type { Endpoint, Identity, Schema } from "../service/service.ts";
import { callOperation, type Operation, restOperation } from "./operation.ts";
import { apiPath } from "./path.ts";
import { createSchemas } from "./schemas.ts";

export interface Described {
  readonly identity: Pick<Identity, "name" | "version">;
  readonly endpoints: readonly Endpoint[];
  /** Of those of them that have rules. */
  readonly bindings: readonly Binding[];
  readonly schemas: readonly Schema[];
  /** Callers show a bearer token (a JWT). @default false */
  readonly bearer?: boolean;
}

/** What is used here of OpenAPI. */
export interface OpenApi {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description?: string };
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string; readonly description?: string }[];
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: Record<string, Record<string, object>>;
  readonly security?: readonly Record<string, readonly string[]>[];
}

/** OpenAPI knows no other verbs. */
const verbs = /^(get|put|post|delete|options|head|patch|trace)$/;

export function openApi({ identity, endpoints, bindings, schemas, bearer = false }: Described): OpenApi {
  const known = createSchemas(endpoints.map(({ method }) => method.response));
  const comment = (name: string): string | undefined => {
    for (const schema of schemas) {
      const text = schema.comment?.(name);
      if (text !== undefined) return text;
    }
    return undefined;
  };
  const commentOf = ({ service, name }: Method): string | undefined => comment(`${service}.${name}`);
  const paths: OpenApi["paths"] = {};
  /** The first of the paths that differ by names alone, by their shape. */
  const firsts = new Map<string, ReturnType<typeof apiPath>>();

  for (const [index, binding] of bindings.entries()) {
    const verb = binding.rule.verb === "*" ? "get" : binding.rule.verb.toLowerCase();
    if (!verbs.test(verb)) continue;
    const own = apiPath(binding);
    const first = firsts.get(own.shape) ?? own;
    firsts.set(own.shape, first);
    const nth = bindings.slice(0, index).filter(({ method }) => method === binding.method).length;
    const parameters = own.parameters.map((one, at) => ({ ...one, name: first.parameters[at]!.name }));
    paths[first.path] ??= {};
    paths[first.path]![verb] = restOperation(binding, {
      known,
      comment: commentOf(binding.method),
      parameters,
      nth,
    });
  }
  const own = endpoints.filter(({ internal }) => !internal).map(({ method }) => method);
  for (const method of own) {
    if (bindings.some((binding) => binding.method === method)) continue;
    if (method.requestStream || method.responseStream) continue;
    paths[`/${method.service}/${method.name}`] = {
      post: callOperation(method, { known, comment: commentOf(method) }),
    };
  }
  const services = [...new Set(own.map(({ service }) => service))];
  const [only, ...others] = services;
  const described = (name: string | undefined): { description?: string } => {
    const description = name === undefined ? undefined : comment(name);
    return description === undefined ? {} : { description };
  };
  return {
    openapi: "3.1.0",
    info: {
      ...{ title: identity.name, version: identity.version },
      ...described(others.length === 0 ? only : undefined),
    },
    // wherever this description is
    servers: [{ url: "./" }],
    tags: services.map((name) => ({ name, ...described(name) })),
    paths,
    components: {
      schemas: known.usedBy(paths),
      ...(bearer
        ? { securitySchemes: { bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" } } }
        : {}),
    },
    ...(bearer ? { security: [{ bearer: [] }] } : {}),
  };
}

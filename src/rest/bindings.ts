/** The rules of a service's methods, checked before anything is served: what they name must be there. */

import type { Field, HttpRule, MessageType, Method } from "../call.ts";
import { usageError } from "../errors.ts";
import type { Endpoint } from "../service/service.ts";
import { fieldNamed, findField } from "./field-path.ts";
import { type Binding, type FieldPath, isHttpBody } from "./rest.ts";
import { parseTemplate } from "./template.ts";

/** @throws MicrorunError `invalid_argument` that names the method and what is wrong with its rule */
export function bindingsOf(endpoints: readonly Endpoint[]): readonly Binding[] {
  return endpoints.flatMap((endpoint) =>
    (endpoint.method.http ?? []).map((rule) => bindingOf(endpoint, rule)),
  );
}

function bindingOf(endpoint: Endpoint, rule: HttpRule): Binding {
  const { method } = endpoint;
  const where = ruleName(method);
  const refuse = (why: string, hint: string): never => {
    throw usageError(`${where}: ${why}`, hint);
  };
  const topLevel = (type: MessageType, name: string, what: string): Field =>
    fieldNamed(type, name) ??
    refuse(`${what} ${name}: ${type.name} has no such field`, `name a field of ${type.name}`);

  if (!/^([A-Z][A-Z-]*|\*)$/.test(rule.verb))
    refuse(`custom kind ${rule.verb}: not a method of HTTP`, 'write it in capitals, as in "HEAD"');
  const template = parseTemplate(rule.path, where);
  const bound = template.variables.map(({ field }): FieldPath => {
    const path = findField(method.request, field);
    if (typeof path === "string")
      return refuse(`{${field}}: ${path}`, `name a field of ${method.request.name}`);
    const { shape, fromText } = path.at(-1)!;
    if (shape !== "one" || fromText === undefined)
      return refuse(`{${field}}: a list, map or message`, "name a field that one text can be");
    return path;
  });
  // a GET has none, whatever its rule says
  const bodiless = rule.body === "" || rule.verb === "GET" || rule.verb === "HEAD";
  const body = bodiless ? undefined : rule.body === "*" ? "*" : topLevel(method.request, rule.body, "body");
  if (typeof body === "object" && bound.some((path) => path.length === 1 && path[0] === body))
    refuse(`body ${rule.body}: its path takes that field`, "let either take it");
  if (method.requestStream && body === undefined)
    refuse("the caller streams, and the rule has no body", 'add body: "*"');
  if (method.requestStream && typeof body === "object" && !isHttpBody(body.message))
    refuse(`body ${rule.body}: the caller streams`, 'write body: "*"');
  const responseBody =
    rule.responseBody === "" ? undefined : topLevel(method.response, rule.responseBody, "response_body");
  return { endpoint, method, rule, template, bound, body, responseBody };
}

/** As errors name it. */
export function ruleName({ service, name }: Method): string {
  return `google.api.http of ${service}.${name}`;
}

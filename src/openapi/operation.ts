/** One operation of a description: parameters, body and replies of a method, by REST or by its JSON call. */
import type { Field, JsonSchema, Method } from "../call.ts";
import { type Binding, isHttpBody } from "../rest/rest.ts";
import type { PathParameter } from "./path.ts";
import { type Parameter, queryParameters } from "./query.ts";
import type { Schemas } from "./schemas.ts";

export interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary?: string;
  readonly description?: string;
  readonly deprecated?: boolean;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: object;
  readonly responses: Record<string, object>;
}

export interface Surroundings {
  readonly known: Schemas;
  /** What the `.proto` says beside the method. */
  readonly comment: string | undefined;
}

export interface RestSurroundings extends Surroundings {
  readonly parameters: readonly PathParameter[];
  /** Which of its method's rules it is, from 0. */
  readonly nth: number;
}

export function restOperation(
  binding: Binding,
  { known, comment, parameters, nth }: RestSurroundings,
): Operation {
  const { method, body, responseBody } = binding;
  const inPath = parameters.map((one) => pathParameter(one, binding, known));
  const all = [...inPath, ...queryParameters(binding, known)];
  const taken = body === "*" ? method.request : body?.message;
  const content =
    body === undefined
      ? undefined
      : isHttpBody(taken)
        ? anyBytes
        : jsonOf(bodySchema(binding, body, known), method.requestStream);
  const sent = responseBody === undefined ? method.response : responseBody.message;
  const reply = isHttpBody(sent)
    ? anyBytes
    : jsonOf(
        responseBody === undefined ? known.of(method.response) : known.ofField(method.response, responseBody),
        method.responseStream,
      );
  return {
    ...headOf(method, comment, nth === 0 ? "" : String(nth + 1)),
    ...(all.length === 0 ? {} : { parameters: all }),
    ...(content === undefined ? {} : { requestBody: { required: true, content } }),
    responses: {
      "200": { description: "The reply", content: reply },
      default: { description: "An error", content: jsonOf(known.named("Error", restError)) },
    },
  };
}

export function callOperation(method: Method, { known, comment }: Surroundings): Operation {
  return {
    ...headOf(method, comment),
    requestBody: { required: true, content: jsonOf(known.of(method.request)) },
    responses: {
      "200": { description: "The reply", content: jsonOf(known.of(method.response)) },
      default: { description: "An error", content: jsonOf(known.named("CallError", connectError)) },
    },
  };
}

/** Without what the path says already. */
function bodySchema({ method, bound }: Binding, body: Field | "*", known: Schemas): object {
  if (body !== "*") return known.ofField(method.request, body);
  const elsewhere = bound.filter(({ length }) => length === 1).map(([field]) => field!.jsonName);
  return known.of(method.request, elsewhere);
}

type Head = Omit<Operation, "parameters" | "requestBody" | "responses">;

/** The first sentence of a comment tells what it does, the others more of it. */
function headOf({ service, name, deprecated }: Method, comment = "", suffix = ""): Head {
  const [first = ""] = /^.*?[.!?](?=\s|$)|^.*/s.exec(comment) ?? [];
  const summary = first.replace(/\s+/g, " ");
  const description = comment.slice(first.length).trim();
  return {
    operationId: `${service.slice(service.lastIndexOf(".") + 1)}_${name}${suffix}`,
    tags: [service],
    ...(summary === "" ? {} : { summary }),
    ...(description === "" ? {} : { description }),
    ...(deprecated === true ? { deprecated } : {}),
  };
}

function pathParameter(
  { name, field, part, slashes }: PathParameter,
  { bound, method, rule }: Binding,
  known: Schemas,
): Parameter {
  const path = bound.find((one) => one.map(({ jsonName }) => jsonName).join(".") === field);
  const whole: JsonSchema =
    path === undefined || part
      ? { type: "string" }
      : known.ofField(path.at(-2)?.message ?? method.request, path.at(-1)!);
  const { description = part && field !== undefined ? `Of ${field}, as in ${rule.path}` : undefined } = whole;
  const { readOnly, description: _, ...schema } = whole;
  return {
    ...{ name, in: "path", required: true, schema },
    ...(description === undefined ? {} : { description }),
    ...(slashes ? { "x-slashes": true } : {}),
  };
}

const anyBytes = { "*/*": { schema: { type: "string", format: "binary" } } };

function jsonOf(schema: object, streams = false): object {
  return { [streams ? "application/x-ndjson" : "application/json"]: { schema } };
}

const restError = {
  type: "object",
  title: "Error",
  required: ["code", "reason", "message", "metadata"],
  properties: {
    code: { type: "integer", description: "The HTTP status." },
    reason: { type: "string", description: "A constant that names the cause; empty where none does." },
    message: { type: "string" },
    metadata: { type: "object", additionalProperties: { type: "string" } },
  },
};

const connectError = {
  type: "object",
  title: "CallError",
  required: ["code", "message"],
  properties: {
    code: { type: "string", description: "The gRPC code, as in not_found." },
    message: { type: "string" },
    details: { type: "array", items: { type: "object" } },
  },
};

/** What a request asks a method: JSON, fields of a query or form, or protobuf, as the content type says. */
import { bytesMessage, jsonMessage, type Method, type Passing } from "../call.ts";
import { errorText, MicrorunError } from "../errors.ts";
import { StatusError } from "./failure.ts";
import type { Bodies, Names } from "./gateway.ts";

export type Content =
  | { readonly kind: "json"; readonly bytes: Uint8Array }
  | { readonly kind: "proto"; readonly bytes: Uint8Array }
  | { readonly kind: "fields"; readonly fields: URLSearchParams };

/** A method and what it is asked: handler values, or bytes where it is passed on. */
export interface Asked {
  readonly method: Method;
  readonly request: unknown;
}

const jsonPassing: Passing = { contentType: "application/grpc+json", micro: true };
const protoPassing: Passing = { contentType: "application/grpc+proto", micro: true };

/** Fields of a form, and parts of a multipart one. */
const maxFields = 1000;

/** @throws StatusError 413; MicrorunError `invalid_argument` */
export async function readContent(
  request: Request,
  { searchParams }: URL,
  maxBytes: number,
  { readBody, decompress }: Bodies,
): Promise<Content> {
  if (request.method === "GET") return { kind: "fields", fields: searchParams };
  const whole = request.headers.get("content-type") ?? "";
  const type = whole.split(";", 1)[0]!.trim().toLowerCase();
  const kind = kindOf(type);
  if (kind === undefined && type !== "") throw unsupported();
  const body = await readBody(request, maxBytes).catch(tooLarge);
  const bytes = await decompress(body, request.headers.get("content-encoding"), maxBytes).catch(tooLarge);
  if (bytes.length === 0 && kind !== "proto") return { kind: "fields", fields: searchParams };
  if (kind === undefined) throw unsupported();
  if (kind === "form") return { kind: "fields", fields: bounded(new URLSearchParams(textOf(bytes))) };
  if (kind === "multipart") return { kind: "fields", fields: await partsOf(bytes, whole) };
  return { kind, bytes };
}

function kindOf(type: string): "json" | "proto" | "form" | "multipart" | undefined {
  if (/^application\/(grpc\+)?json$/.test(type)) return "json";
  if (/^application\/(proto|protobuf|x-protobuf|octet-stream|grpc\+proto)$/.test(type)) return "proto";
  if (type === "application/x-www-form-urlencoded") return "form";
  return type === "multipart/form-data" ? "multipart" : undefined;
}

/**
 * @param learned undefined: the service tells nothing of itself, and reads JSON
 * @throws MicrorunError `invalid_argument` for what is no such message
 */
export function askedOf(
  content: Content,
  names: Names,
  learned: Method | undefined,
  { fields }: Bodies,
): Asked {
  if (content.kind === "proto")
    return { method: passed(names, learned, protoPassing), request: content.bytes };
  if (content.kind === "json") {
    const json = parse(content.bytes);
    if (learned !== undefined) return { method: learned, request: learned.request.fromJson(json) };
    return { method: passed(names, learned, jsonPassing), request: content.bytes };
  }
  if (learned !== undefined) return { method: learned, request: fields(content.fields, learned.request) };
  const json = JSON.stringify(fields(content.fields, jsonMessage));
  return { method: passed(names, learned, jsonPassing), request: Buffer.from(json) };
}

/** By a name that the service knows itself by, where it tells it. */
function passed({ service, method: name }: Names, learned: Method | undefined, passing: Passing): Method {
  const { requestStream = false, responseStream = false, idempotent = false } = learned ?? {};
  const messages = { request: bytesMessage, response: bytesMessage };
  const streams = { requestStream, responseStream, idempotent };
  return { service: learned?.service ?? service, name, ...streams, ...messages, passing };
}

/** @throws MicrorunError `invalid_argument` */
export function parse(bytes: Uint8Array | string): unknown {
  try {
    return JSON.parse(typeof bytes === "string" ? bytes : textOf(bytes));
  } catch (error) {
    throw new MicrorunError("invalid_argument", `the request is not JSON: ${errorText(error)}`);
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new MicrorunError("invalid_argument", "the request is not UTF-8");
  }
}

async function partsOf(bytes: Uint8Array, contentType: string): Promise<URLSearchParams> {
  const fields = new URLSearchParams();
  const init = { headers: { "content-type": contentType } };
  const form = await new Response(bytes as Uint8Array<ArrayBuffer>, init).formData().catch(() => {
    throw new MicrorunError("invalid_argument", "the request is not the multipart form that it says");
  });
  for (const [name, value] of form.entries()) {
    if (typeof value !== "string")
      throw new MicrorunError("invalid_argument", `form: ${name} is a file, where a text is expected`);
    fields.append(name, value);
  }
  return bounded(fields);
}

function bounded(fields: URLSearchParams): URLSearchParams {
  if (fields.size > maxFields)
    throw new MicrorunError("invalid_argument", `form: more than ${maxFields} fields`);
  return fields;
}

function unsupported(): MicrorunError {
  return new MicrorunError("invalid_argument", "Unsupported Content-Type");
}

function tooLarge(error: unknown): never {
  if (error instanceof MicrorunError && error.code === "resource_exhausted")
    throw new StatusError(413, error.message);
  throw error;
}

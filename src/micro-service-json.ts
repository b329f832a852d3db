/**
 * Go Micro's JSON of a Service, both ways: one version of a service with its nodes.
 *
 * Written in the form of v2 (registry/service.go of go-micro v2.3.0); v1's, with a `port` of its own, is read too.
 */
import type { Shape } from "./call.ts";
import { errorText, MicrorunError } from "./errors.ts";
import type { Instance, InstanceEndpoint } from "./registry/registry.ts";

/** Go Micro writes three levels of a message; what is nested deeper than this is refused. */
const maxShapeDepth = 16;

/** Code points that Go's encoder escapes, so that what is written is the same to the byte. */
const goEscapes = /[<>&\u2028\u2029]/g;

type Fields = Readonly<Record<string, unknown>>;

/**
 * @param instances of one service and version, at least one; name, version and endpoints are the first one's
 */
export function serviceJson(instances: readonly Instance[]): string {
  const [first] = instances;
  if (first === undefined)
    throw new MicrorunError("invalid_argument", "a service without a node: nothing to write");
  const service = {
    name: first.service,
    version: first.version,
    metadata: null,
    endpoints: (first.endpoints ?? []).map(writtenEndpoint),
    nodes: instances.map(({ id, address, metadata }) => ({ id, address, metadata: sorted(metadata) })),
  };
  return JSON.stringify(service).replace(
    goEscapes,
    (point) => `\\u${point.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Its nodes, none when there are none. @throws MicrorunError `invalid_argument`, saying what is wrong and where */
export function readServiceJson(text: string): Instance[] {
  const service = fieldsOf(parsed(text), "the service");
  const name = required(service.name, "name");
  const version = optional(service.version, "version");
  const endpoints = readEndpoints(service.endpoints);
  return listOf(service.nodes, "nodes").map((node, index) => ({
    ...readNode(fieldsOf(node, `nodes[${index}]`), `nodes[${index}]`),
    service: name,
    version,
    ...(endpoints === undefined ? {} : { endpoints }),
  }));
}

function readNode(node: Fields, at: string): Pick<Instance, "id" | "address" | "metadata"> {
  const { port = 0 } = node;
  if (typeof port !== "number" || !Number.isInteger(port) || port < 0 || port > 65_535)
    throw wrong(`${at}.port`, "not a port");
  const address = required(node.address, `${at}.address`);
  const host = address.includes(":") && !address.startsWith("[") ? `[${address}]` : address;
  return {
    id: required(node.id, `${at}.id`),
    address: port === 0 ? address : `${host}:${port}`,
    metadata: readMetadata(node.metadata, `${at}.metadata`),
  };
}

/** Strings by name; null is none. @throws MicrorunError `invalid_argument` */
export function readMetadata(value: unknown, at = "metadata"): Readonly<Record<string, string>> {
  if (value === null || value === undefined) return {};
  const entries = Object.entries(fieldsOf(value, at));
  return Object.fromEntries(entries.map(([key, text]) => [key, optional(text, `${at}.${key}`)]));
}

/** Undefined when null or absent: not known. @throws MicrorunError `invalid_argument` */
export function readEndpoints(value: unknown, at = "endpoints"): readonly InstanceEndpoint[] | undefined {
  if (value === null || value === undefined) return undefined;
  return listOf(value, at).map((entry, index) => {
    const endpoint = fieldsOf(entry, `${at}[${index}]`);
    return {
      name: required(endpoint.name, `${at}[${index}].name`),
      request: readShape(endpoint.request, `${at}[${index}].request`, 0),
      response: readShape(endpoint.response, `${at}[${index}].response`, 0),
      metadata: readMetadata(endpoint.metadata, `${at}[${index}].metadata`),
    };
  });
}

function readShape(value: unknown, at: string, depth: number): Shape | null {
  if (value === null || value === undefined) return null;
  if (depth > maxShapeDepth) throw wrong(at, `nested more than ${maxShapeDepth} deep`);
  const shape = fieldsOf(value, at);
  const inner = listOf(shape.values, `${at}.values`)
    .map((one, index) => readShape(one, `${at}.values[${index}]`, depth + 1))
    .filter((one) => one !== null);
  return {
    name: optional(shape.name, `${at}.name`),
    type: optional(shape.type, `${at}.type`),
    values: inner.length === 0 ? null : inner,
  };
}

function writtenEndpoint({ name, request, response, metadata }: InstanceEndpoint): InstanceEndpoint {
  return {
    name,
    request: writtenShape(request),
    response: writtenShape(response),
    metadata: sorted(metadata),
  };
}

function writtenShape(shape: Shape | null): Shape | null {
  if (shape === null) return null;
  const { name, type, values } = shape;
  return { name, type, values: values?.map((value) => writtenShape(value)!) ?? null };
}

/** Go writes a map's keys in order. */
function sorted(map: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new MicrorunError("invalid_argument", `the service is not JSON: ${errorText(error)}`, {
      cause: error,
    });
  }
}

function fieldsOf(value: unknown, at: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(at, "not an object");
  return value as Fields;
}

function listOf(value: unknown, at: string): readonly unknown[] {
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value)) throw wrong(at, "not a list");
  return value;
}

function required(value: unknown, at: string): string {
  const text = optional(value, at);
  if (text === "") throw wrong(at, "missing");
  return text;
}

function optional(value: unknown, at: string): string {
  if (value === null || value === undefined) return "";
  if (typeof value !== "string") throw wrong(at, "not a string");
  return value;
}

function wrong(at: string, why: string): MicrorunError {
  return new MicrorunError("invalid_argument", `${at}: ${why}`);
}

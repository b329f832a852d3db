/** `POST /rpc`: a call spelt out, as Go Micro's gateway takes it: service, endpoint or method, request, address. */
import { parseAddress } from "../address.ts";
import { MicrorunError } from "../errors.ts";
import { StatusError } from "./failure.ts";
import type { GatewayOptions } from "./gateway.ts";
import { type Content, parse, readContent } from "./request-message.ts";
import type { Rpc } from "./rpc.ts";
import type { Visit } from "./visit.ts";

/** Go Micro's name of it in errors. */
export const rpcId = "go.micro.rpc";
export const rpcPath = "/rpc";

/** @throws StatusError, MicrorunError: what is wrong with what was asked */
export async function rpcPost(visit: Visit, rpc: Rpc, options: GatewayOptions): Promise<Response> {
  const { request, url } = visit;
  if (request.method !== "POST") throw new StatusError(405, "call it by POST", { allow: "POST" });
  const spelt = await readContent(request, url, options.maxMessageBytes, options.bodies);
  const { service, endpoint, content, address } = callOf(spelt);
  if (address !== undefined && !options.rpcAddress)
    throw new MicrorunError("permission_denied", "address: a caller may not name one here");
  if (address !== undefined) parseAddress(address);
  const timeoutMs = timeoutOf(request.headers.get("timeout"));
  return rpc.answer(visit, {
    ...{ service, endpoint, content },
    ...(address === undefined ? {} : { address }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
}

interface Spelt {
  readonly service: string;
  readonly endpoint: string;
  readonly content: Content;
  readonly address: string | undefined;
}

function callOf(content: Content): Spelt {
  if (content.kind === "proto") throw new MicrorunError("invalid_argument", "Unsupported Content-Type");
  const given = content.kind === "json" ? parse(content.bytes) : Object.fromEntries(content.fields);
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw new MicrorunError("invalid_argument", "the request is no object");
  const fields = given as Readonly<Record<string, unknown>>;
  const service = textOf(fields, "service");
  const endpoint = textOf(fields, "endpoint") ?? textOf(fields, "method");
  if (service === undefined) throw new MicrorunError("invalid_argument", "invalid service");
  if (endpoint === undefined || !/^[\w.]+\.\w+$/.test(endpoint))
    throw new MicrorunError("invalid_argument", "invalid endpoint");
  const { request = {} } = fields;
  // of a form it is a text
  const json = typeof request === "string" ? (request === "" ? "{}" : request) : JSON.stringify(request);
  return { service, endpoint, content: jsonContent(json), address: textOf(fields, "address") };
}

function jsonContent(json: string): Content {
  return { kind: "json", bytes: Buffer.from(json) };
}

function textOf(fields: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = fields[name];
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value === "string") return value;
  throw new MicrorunError("invalid_argument", `${name}: not a text`);
}

/** In seconds, as Go Micro's gateway reads it. */
function timeoutOf(text: string | null): number | undefined {
  if (text === null) return undefined;
  if (/^\d{1,6}$/.test(text) && Number(text) > 0) return Number(text) * 1000;
  throw new MicrorunError("invalid_argument", `timeout ${text.slice(0, 20)}: not a number of seconds`);
}

/** Go Micro's API paths: `/greeter/hello` asks `Greeter.Hello` of the service greeter, by POST or with a query (INTEROP: gateway). */
import { MicrorunError } from "../errors.ts";
import { microErrorJson, toMicroError } from "../micro-error.ts";
import type { Endpoint, Service } from "../service/service.ts";
import { type Codec, codecNamed, jsonCodec, mediaType } from "./codec.ts";
import { isBare, isForeign, readMessage } from "./connect-request.ts";
import { queryJson } from "./query.ts";
import { type Answering, type Arrival, addMetadata, callUnary } from "./unary.ts";

/** What a path names, by go-micro's rule: all but the last two parts are the service, save for short and versioned ones. */
export function readMicroPath(path: string): { service: string; endpoint: string } | undefined {
  const parts = path.split("/").filter((part) => part !== "");
  const [first = "", second = "", third = ""] = parts;
  if (parts.length === 0) return undefined;
  if (parts.length === 1) return { service: first, endpoint: `${title(first)}.Call` };
  if (parts.length === 2) return { service: first, endpoint: `${title(first)}.${title(second)}` };
  if (parts.length === 3 && /^v\d+$/i.test(first))
    return { service: `${first}.${second}`, endpoint: `${title(second)}.${title(third)}` };
  const [struct = "", method = ""] = parts.slice(-2);
  return { service: parts.slice(0, -2).join("."), endpoint: `${title(struct)}.${title(method)}` };
}

/** Finds the endpoint that a path of this service names. Case does not count: titles cannot spell every name. */
export function microPaths(service: Service): (path: string) => Endpoint | undefined {
  const names = new Set([service.name, service.name.slice(service.name.lastIndexOf(".") + 1)]);
  const endpoints = new Map<string, Endpoint>();
  for (const endpoint of service.endpoints.toReversed()) {
    const { service: full, name } = endpoint.method;
    endpoints.set(`${full.slice(full.lastIndexOf(".") + 1)}.${name}`.toLowerCase(), endpoint);
  }
  return (path) => {
    const asked = readMicroPath(path);
    return asked && names.has(asked.service) ? endpoints.get(asked.endpoint.toLowerCase()) : undefined;
  };
}

export async function serveMicro(
  arrival: Arrival,
  endpoint: Endpoint,
  answering: Answering,
): Promise<Response> {
  const { request } = arrival;
  const { method } = endpoint;
  const fail = (error: MicrorunError): Response => microFailure(error, answering.service.name);
  if (method.requestStream || method.responseStream)
    return fail(
      new MicrorunError("unimplemented", `${method.service}.${method.name} streams: call it by gRPC`),
    );
  if (request.method === "GET" && isForeign(request.headers, answering))
    return fail(new MicrorunError("permission_denied", "a page of another site may not call by GET"));
  const codec = request.method === "GET" ? jsonCodec : codecOf(request.headers, endpoint, answering);
  if (codec === undefined) return fail(new MicrorunError("invalid_argument", "Unsupported Content-Type"));
  const read = (): unknown =>
    request.method === "GET"
      ? queryJson(new URL(request.url).searchParams, method.request)
      : readMessage(request, method, codec, answering);
  const call = { endpoint, codec, timeoutMs: undefined, read };
  const { reply, error, header } = await callUnary(arrival, call, answering);
  const response =
    reply === undefined
      ? fail(MicrorunError.from(error))
      : new Response(reply as Uint8Array<ArrayBuffer>, {
          headers: { "content-type": `application/${codec.name}`, "content-length": String(reply.length) },
        });
  addMetadata(response.headers, header);
  return response;
}

function microFailure(error: MicrorunError, id: string): Response {
  const body = toMicroError(error, id);
  return new Response(microErrorJson(body), {
    status: body.code,
    headers: { "content-type": "text/plain; charset=utf-8" },
  });
}

/** go-micro's names for the two codecs. */
function codecOf(headers: Headers, { method }: Endpoint, answering: Answering): Codec | undefined {
  const type = mediaType(headers);
  if (/^application\/(proto|protobuf|octet-stream)$/.test(type)) return codecNamed("proto", method);
  if (/^application\/(grpc\+)?json$/.test(type)) return jsonCodec;
  return isBare(type) && !isForeign(headers, answering) ? jsonCodec : undefined;
}

function title(part: string): string {
  return part
    .split("-")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
}
